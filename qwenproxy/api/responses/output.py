"""The output of a response: the events of an answer become items, and the events that tell a client of them.

One item is open at a time: added, filled, done. Knows no frames and no response around the items; encoder.py does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qwenproxy.api.responses.compaction import sealed_summary
from qwenproxy.api.responses.filling import AnswerText, Call, OpenItem, Painted, StreamEvent, Thoughts, WebSearching
from qwenproxy.api.responses.objects import Item
from qwenproxy.chat import CallArguments, CallEnded, CallStarted, Citation, Event, Image, Reasoning, Search, Text, Tool

ReadPicture = Callable[[Image], "bytes | None"]


class Output:
    """The items of one answer. `items` holds those that are done."""

    def __init__(
        self,
        tools: Sequence[Tool],
        *,
        seals_thoughts: bool = False,
        names_sources: bool = False,
        read_picture: ReadPicture | None = None,
    ) -> None:
        """`read_picture` returns the file of a picture, None if there is none to be had; without it all are links."""
        self.items: list[Item] = []
        self._tools = {tool.name: tool for tool in tools}
        self._seals_thoughts = seals_thoughts
        self._names_sources = names_sources
        self._read_picture = read_picture
        self._open: OpenItem | None = None
        self._search = Search(())  # all that the client knows of
        self._characters = 0  # code points of all text so far

    def await_picture(self) -> list[StreamEvent]:
        """Begin the item of a picture that is sure to be painted; return the events for that."""
        return self._begin(Painted(self._next_index))

    def take(self, event: Event) -> list[StreamEvent]:
        """Return the events for the client."""
        if isinstance(event, Text):
            return self._take_text(event.text)
        if isinstance(event, Image):
            return self._take_picture(event)
        if isinstance(event, Reasoning):
            return self._take_thoughts(event.text)
        if isinstance(event, Citation):
            return self._open.cite(event) if isinstance(self._open, AnswerText) else []
        if isinstance(event, CallStarted):
            tool = self._tools.get(event.name) or Tool(event.name)
            return self._begin(Call(self._next_index, event.id, tool))
        if isinstance(event, CallArguments):
            return self._open.more(event.text) if isinstance(self._open, Call) and event.text else []
        if isinstance(event, CallEnded):
            return self.close()
        return self._take_search(event) if isinstance(event, Search) else []

    def close(self, status: str = "completed") -> list[StreamEvent]:
        """End the open item, if there is one; return the events for that."""
        if self._open is None:
            return []
        item, index = self._open.item(status), len(self.items)
        events = [*self._open.end(), {"type": "response.output_item.done", "output_index": index, "item": item}]
        self.items.append(item)
        self._open = None
        return events

    @property
    def _next_index(self) -> int:
        return len(self.items) + (self._open is not None)

    def _begin(self, item: OpenItem) -> list[StreamEvent]:
        index = self._next_index
        ended = self.close()
        self._open = item
        added = {"type": "response.output_item.added", "output_index": index, "item": item.item("in_progress")}
        return [*ended, added, *item.begin()]

    def _take_text(self, text: str) -> list[StreamEvent]:
        if not text:
            return []
        message, events = self._open, list[StreamEvent]()
        if not isinstance(message, AnswerText):
            message = AnswerText(self._next_index, self._characters)
            events = self._begin(message)
        self._characters += len(text)
        return [*events, *message.more(text)]

    def _take_picture(self, image: Image) -> list[StreamEvent]:
        """Give a picture as an item; where its file cannot be had, the link is better than nothing."""
        data = self._read_picture(image) if self._read_picture else None
        if data is None:
            return self._take_text(image.markdown)
        self._characters += len(image.markdown)  # places in the text count it
        events = [] if isinstance(self._open, Painted) else self.await_picture()
        assert isinstance(self._open, Painted)
        self._open.fill(data, f"{image.width}x{image.height}" if image.width and image.height else "")
        return [*events, *self.close()]

    def _take_thoughts(self, text: str) -> list[StreamEvent]:
        thoughts, events = self._open, list[StreamEvent]()
        if not isinstance(thoughts, Thoughts):
            text = text.lstrip()  # line breaks that set them apart from earlier ones
        if not text:
            return []
        if not isinstance(thoughts, Thoughts):
            thoughts = Thoughts(self._next_index, is_sealed=self._seals_thoughts)
            events = self._begin(thoughts)
        return [*events, *thoughts.more(text)]

    def _take_search(self, search: Search) -> list[StreamEvent]:
        """Begin an item for new queries; pages that come later belong to it as long as it is open."""
        before, self._search = self._search, search
        searching = self._open
        is_open = isinstance(searching, WebSearching) and not searching.has_pages
        if not is_open and (len(search.queries) > len(before.queries) or before == Search(())):
            searching = WebSearching(self._next_index, before, names_sources=self._names_sources)
            searching.update(search)
            return self._begin(searching)
        if isinstance(searching, WebSearching):
            searching.update(search)
        return []


class SummaryOutput:
    """The output of a compaction: one item, made when the summary is complete."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._texts: list[str] = []

    def take(self, event: Event) -> list[StreamEvent]:
        """Take a part of the summary in; the client does not see it."""
        if isinstance(event, Text):
            self._texts.append(event.text)
        return []

    def close(self, status: str = "completed") -> list[StreamEvent]:
        """Make the item; return the events for it."""
        if self.items:
            return []
        item = sealed_summary("".join(self._texts).strip())
        self.items.append(item)
        kinds = ("response.output_item.added", "response.output_item.done")
        return [{"type": kind, "output_index": 0, "item": item} for kind in kinds]
