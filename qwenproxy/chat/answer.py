"""What the model answered, put together from the events of its answer.

The run feeds it once; each wire API that sends a whole answer reads it, and so does the history. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from qwenproxy.chat import (
    CallArguments,
    CallStarted,
    ChatRequest,
    Citation,
    Event,
    Finish,
    Image,
    Message,
    Reasoning,
    Search,
    Text,
    TextPart,
    ToolCall,
    Usage,
    call_events,
)
from qwenproxy.chat.token_counts import question_tokens
from qwenproxy.tokenizer import counting


@dataclass(slots=True)
class Answer:
    """An answer so far. `finish` is None until it is complete; `usage` holds the site's last counts, None before."""

    finish: Finish | None = None
    usage: Usage | None = None
    search: Search | None = None
    citations: list[Citation] = field(default_factory=list)
    _calls: list[tuple[CallStarted, list[str]]] = field(default_factory=list)
    _pieces: list[Text | Image] = field(default_factory=list)
    _thoughts: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Take one event in."""
        if isinstance(event, Text | Image):
            self._pieces.append(event)
        elif isinstance(event, Reasoning):
            self._thoughts.append(event.text)
        elif isinstance(event, CallStarted):
            self._calls.append((event, []))
        elif isinstance(event, CallArguments):
            self._calls[-1][1].append(event.text)
        elif isinstance(event, Search):
            self.search = event
        elif isinstance(event, Citation):
            self.citations.append(event)
        elif isinstance(event, Usage):
            self.usage = event
        elif isinstance(event, Finish):
            self.finish = event

    def begin_again(self) -> None:
        """Forget text and calls, because a corrected answer takes their place. Thoughts stay."""
        self._pieces.clear()
        self._calls.clear()
        self.citations.clear()

    @property
    def images(self) -> list[Image]:
        """The images so far."""
        return [piece for piece in self._pieces if isinstance(piece, Image)]

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The calls so far."""
        return [ToolCall(started.id, started.name, "".join(pieces)) for started, pieces in self._calls]

    @property
    def text(self) -> str:
        """All text, images in it as Markdown."""
        return "".join(map(_shown, self._pieces))

    @property
    def reasoning(self) -> str:
        """All text of the model's thinking."""
        return "".join(self._thoughts)

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended, None until it is complete."""
        return self.finish.reason if self.finish else None

    @property
    def message(self) -> Message:
        """The answer as a message of the conversation."""
        text = self.text
        return Message("assistant", (TextPart(text),) if text else (), tool_calls=tuple(self.tool_calls))

    def events(self) -> Iterator[Event]:
        """Yield a complete answer as events, but for its end: thoughts, searches, cited text and images, calls.

        So an answer that was not streamed gets the same form as one that was.
        """
        if self.reasoning:
            yield Reasoning(self.reasoning)
        if self.search:
            yield self.search
        yield from self._cited()
        for call in self.tool_calls:
            yield from call_events(call)

    def _cited(self) -> Iterator[Event]:
        """Yield texts and images in order, each citation right after the text of its mark."""
        citations, before = deque(self.citations), 0  # before: code points up to this piece
        for piece in self._joined():
            if isinstance(piece, Image):
                yield piece
                before += len(piece.markdown)
                continue
            text, begin = piece.text, 0
            while citations and citations[0].end <= before + len(text):
                citation = citations.popleft()
                if (end := citation.end - before) > begin:
                    yield Text(text[begin:end])
                    begin = end
                yield citation
            if begin < len(text):
                yield Text(text[begin:])
            before += len(text)
        yield from citations

    def _joined(self) -> Iterator[Text | Image]:
        """Yield images, and each text between them whole."""
        for is_image, pieces in groupby(self._pieces, lambda piece: isinstance(piece, Image)):
            if is_image:
                yield from pieces
            else:
                yield Text("".join(map(_shown, pieces)))

    def counts(self, question: ChatRequest) -> Usage:
        """Return the site's counts; if it gave none, count with the vocabulary of the models."""
        if self.usage is not None:
            return self.usage
        thoughts = counting.count(self.reasoning)
        calls = sum(counting.count(call.name) + counting.count(call.arguments) for call in self.tool_calls)
        return Usage(question_tokens(question), counting.count(self.text) + calls + thoughts, thoughts)


def _shown(piece: Text | Image) -> str:
    return piece.markdown if isinstance(piece, Image) else piece.text
