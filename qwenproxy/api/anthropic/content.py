"""The content blocks of an answer, one after the other, from its events. Pure; the encoder makes frames of them.

Clients build a message by the places of its blocks, so a block opens, grows and closes before the next one opens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qwenproxy.api.anthropic.format import SIGNATURE, citation_object, new_id, pages_found
from qwenproxy.api.anthropic.request import Thoughts
from qwenproxy.api.anthropic.rounds import Rounds
from qwenproxy.chat import (
    CallArguments,
    CallEnded,
    CallStarted,
    Citation,
    Event,
    Finish,
    Image,
    Reasoning,
    Search,
    SearchResult,
    Text,
)

Object = dict[str, Any]


class Content:
    """The blocks so far. Each method yields events of the stream."""

    def __init__(self, thoughts: Thoughts, question: str) -> None:
        """`question` stands for the query of a search that the site does not tell."""
        self.has_calls = False  # calls that the client shall run
        self._thoughts = thoughts
        self._rounds = Rounds(question)
        self._count = 0  # blocks that have opened
        self._open = ""  # the type of the block that is open
        self._is_cited = False  # the open text has a citation, so the next text is another block's
        self._after_call: list[Event] = []

    @property
    def searches(self) -> int:
        """How many searches were shown."""
        return self._rounds.shown

    def feed(self, event: Event) -> Iterator[Object]:
        """Yield what an event adds."""
        if self._open == "tool_use" and isinstance(event, Finish):
            # The answer was cut inside a call: its block ends, but nobody may run it.
            self.has_calls = False
            yield from self._end_call()
            yield from self.feed(event)
        elif self._open == "tool_use" and not isinstance(event, CallArguments | CallEnded):
            # A block of a call cannot be interrupted and gone on with.
            self._after_call.append(event)
        elif isinstance(event, Search):
            for queries, pages in self._rounds.take(event):
                yield from self._search(queries, pages)
        elif isinstance(event, Reasoning):
            yield from self._reasoning(event.text)
        elif isinstance(event, Citation):
            yield from self._citation(event)
        elif isinstance(event, CallArguments):
            if event.text:
                yield self._delta({"type": "input_json_delta", "partial_json": event.text})
        elif isinstance(event, CallEnded):
            yield from self._end_call()
        elif isinstance(event, Text | Image | CallStarted | Finish):
            for queries, pages in self._rounds.rest():
                yield from self._search(queries, pages)
            yield from self._visible(event)

    def close(self) -> Iterator[Object]:
        """Yield the end of the block that is open."""
        if not self._open:
            return
        if self._open == "thinking":
            yield self._delta({"type": "signature_delta", "signature": SIGNATURE})
        self._open = ""
        yield {"type": "content_block_stop", "index": self._count - 1}

    def _visible(self, event: Text | Image | CallStarted | Finish) -> Iterator[Object]:
        if isinstance(event, CallStarted):
            self.has_calls = True
            yield from self._begin({"type": "tool_use", "id": new_id("toolu"), "name": event.name, "input": {}})
        elif isinstance(event, Finish):
            yield from self.close()
        elif text := event.text if isinstance(event, Text) else event.markdown:
            if self._open != "text" or self._is_cited:
                yield from self._begin({"type": "text", "text": ""})
                self._is_cited = False
            yield self._delta({"type": "text_delta", "text": text})

    def _reasoning(self, text: str) -> Iterator[Object]:
        if self._thoughts == "hidden" or not text:
            return
        if self._open != "thinking":
            yield from self._begin({"type": "thinking", "thinking": "", "signature": ""})
        if self._thoughts == "shown":
            yield self._delta({"type": "thinking_delta", "thinking": text})

    def _citation(self, citation: Citation) -> Iterator[Object]:
        if self._open == "text":
            self._is_cited = True
            yield self._delta({"type": "citations_delta", "citation": citation_object(citation)})

    def _search(self, queries: tuple[str, ...], pages: tuple[SearchResult, ...]) -> Iterator[Object]:
        call_id = new_id("srvtoolu")
        yield from self._begin({"type": "server_tool_use", "id": call_id, "name": "web_search", "input": {}})
        yield self._delta({"type": "input_json_delta", "partial_json": self._rounds.input_json(queries)})
        result = {"type": "web_search_tool_result", "tool_use_id": call_id, "content": pages_found(pages)}
        yield from self._begin(result)
        yield from self.close()

    def _end_call(self) -> Iterator[Object]:
        yield from self.close()
        events, self._after_call = self._after_call, []
        for event in events:
            yield from self.feed(event)

    def _begin(self, block: Object) -> Iterator[Object]:
        yield from self.close()
        self._open = block["type"]
        self._count += 1
        yield {"type": "content_block_start", "index": self._count - 1, "content_block": block}

    def _delta(self, delta: Object) -> Object:
        return {"type": "content_block_delta", "index": self._count - 1, "delta": delta}
