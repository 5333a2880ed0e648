"""The items of an output while they are being filled, each with the events that tell a client so. Part of output.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from qwenproxy.api.responses.objects import (
    Item,
    annotation_object,
    call_item,
    message_item,
    new_id,
    picture_item,
    reasoning_item,
    search_item,
    text_part,
)
from qwenproxy.api.responses.sealed import seal
from qwenproxy.chat import Citation, Search, SearchResult, Tool

StreamEvent = dict[str, Any]


class OpenItem(Protocol):
    """An item that is being filled."""

    def item(self, status: str) -> Item:
        """Return the item as it is now."""

    def begin(self) -> list[StreamEvent]:
        """Return the events that follow the one which adds the item."""

    def end(self) -> list[StreamEvent]:
        """Return the events that precede the one which ends the item."""


class Thoughts:
    """Thoughts of the model, as a summary of one part."""

    def __init__(self, index: int, *, is_sealed: bool) -> None:
        """`is_sealed` adds the opaque form that some clients want to send back."""
        self._id = new_id("rs")
        self._place = {"item_id": self._id, "output_index": index, "summary_index": 0}
        self._texts: list[str] = []
        self._is_sealed = is_sealed

    def item(self, status: str) -> Item:
        summary = [self._part()] if self._texts else []
        # Thoughts do not belong to the next question, so their name is enough.
        return reasoning_item(self._id, status, summary, seal({"reasoning": self._id}) if self._is_sealed else None)

    def begin(self) -> list[StreamEvent]:
        part = {"type": "summary_text", "text": ""}
        return [{"type": "response.reasoning_summary_part.added", **self._place, "part": part}]

    def more(self, text: str) -> list[StreamEvent]:
        """Return the event of new text."""
        self._texts.append(text)
        return [{"type": "response.reasoning_summary_text.delta", **self._place, "delta": text}]

    def end(self) -> list[StreamEvent]:
        part = self._part()
        return [
            {"type": "response.reasoning_summary_text.done", **self._place, "text": part["text"]},
            {"type": "response.reasoning_summary_part.done", **self._place, "part": part},
        ]

    def _part(self) -> Item:
        return {"type": "summary_text", "text": "".join(self._texts)}


class AnswerText:
    """A message of the assistant with one text."""

    def __init__(self, index: int, before: int) -> None:
        """`before` is the number of characters of the answer before this text."""
        self._id = new_id("msg")
        self._place = {"item_id": self._id, "output_index": index, "content_index": 0}
        self._before = before
        self._texts: list[str] = []
        self._annotations: list[Item] = []

    def item(self, status: str) -> Item:
        return message_item(self._id, status, [self._part()] if self._texts else [])

    def begin(self) -> list[StreamEvent]:
        return [{"type": "response.content_part.added", **self._place, "part": text_part("")}]

    def more(self, text: str) -> list[StreamEvent]:
        """Return the event of new text."""
        self._texts.append(text)
        return [{"type": "response.output_text.delta", **self._place, "delta": text, "logprobs": []}]

    def cite(self, citation: Citation) -> list[StreamEvent]:
        """Return the event of a citation; none for one whose mark stands in an earlier message."""
        if citation.start < self._before:
            return []
        annotation = annotation_object(citation, self._before)
        self._annotations.append(annotation)
        number = len(self._annotations) - 1
        place = {**self._place, "annotation_index": number, "annotation": annotation}
        return [{"type": "response.output_text.annotation.added", **place}]

    def end(self) -> list[StreamEvent]:
        part = self._part()
        return [
            {"type": "response.output_text.done", **self._place, "text": part["text"], "logprobs": []},
            {"type": "response.content_part.done", **self._place, "part": part},
        ]

    def _part(self) -> Item:
        return text_part("".join(self._texts), self._annotations)


class Call:
    """A call of one of the client's tools."""

    def __init__(self, index: int, call_id: str, tool: Tool) -> None:
        self._id = new_id("ctc" if tool.freeform else "fc")
        self._place = {"item_id": self._id, "output_index": index}
        self._kind = "custom_tool_call_input" if tool.freeform else "function_call_arguments"
        self._call_id = call_id
        self._tool = tool
        self._arguments: list[str] = []

    def item(self, status: str) -> Item:
        return call_item(self._id, status, self._call_id, self._tool, "".join(self._arguments))

    def begin(self) -> list[StreamEvent]:
        return []

    def more(self, text: str) -> list[StreamEvent]:
        """Return the event of new arguments."""
        self._arguments.append(text)
        return [{"type": f"response.{self._kind}.delta", **self._place, "delta": text}]

    def end(self) -> list[StreamEvent]:
        item = self.item("completed")
        whole = (
            {"input": item["input"]} if self._tool.freeform else {"name": item["name"], "arguments": item["arguments"]}
        )
        return [{"type": f"response.{self._kind}.done", **self._place, **whole}]


class Painted:
    """A picture that is painted; the site sends it whole."""

    def __init__(self, index: int) -> None:
        self._id = new_id("ig")
        self._place = {"item_id": self._id, "output_index": index}
        self._data: bytes | None = None
        self._size = ""

    def fill(self, data: bytes, size: str) -> None:
        """Take the file in, and its size as `1024x768`, "" if it is unknown."""
        self._data, self._size = data, size

    def item(self, status: str) -> Item:
        is_missing = status != "in_progress" and self._data is None
        return picture_item(self._id, "failed" if is_missing else status, self._data, self._size)

    def begin(self) -> list[StreamEvent]:
        return [self._event("in_progress"), self._event("generating")]

    def end(self) -> list[StreamEvent]:
        return [self._event("completed")] if self._data else []

    def _event(self, word: str) -> StreamEvent:
        return {"type": f"response.image_generation_call.{word}", **self._place}


class WebSearching:
    """A web search, with the queries and pages that are new since the one before it."""

    def __init__(self, index: int, before: Search, *, names_sources: bool) -> None:
        """`before` is what was found by earlier searches of the answer."""
        self._id = new_id("ws")
        self._place = {"item_id": self._id, "output_index": index}
        self._before = before
        self._names_sources = names_sources
        self._queries: Sequence[str] = ()
        self._pages: Sequence[SearchResult] = ()

    def item(self, status: str) -> Item:
        return search_item(self._id, status, self._queries, self._pages if self._names_sources else None)

    def begin(self) -> list[StreamEvent]:
        return [self._event("in_progress"), self._event("searching")]

    @property
    def has_pages(self) -> bool:
        """Whether the search has found something, so that the next query is another search's."""
        return bool(self._pages)

    def update(self, search: Search) -> None:
        """Take the newest state of all searches in."""
        known = set(self._before.results)
        self._queries = search.queries[len(self._before.queries) :]
        self._pages = [page for page in search.results if page not in known]

    def end(self) -> list[StreamEvent]:
        return [self._event("completed")]

    def _event(self, word: str) -> StreamEvent:
        return {"type": f"response.web_search_call.{word}", **self._place}
