"""What the model answered, put together from the events of its answer.

The run feeds it once; each wire API that sends a whole answer reads it, and so does the history. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

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
    images: list[Image] = field(default_factory=list)
    _calls: list[tuple[CallStarted, list[str]]] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _thoughts: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Take one event in."""
        if isinstance(event, Text):
            self._texts.append(event.text)
        elif isinstance(event, Reasoning):
            self._thoughts.append(event.text)
        elif isinstance(event, Image):
            self._texts.append(event.markdown)
            self.images.append(event)
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
        self._texts.clear()
        self._calls.clear()
        self.citations.clear()
        self.images.clear()

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The calls so far."""
        return [ToolCall(started.id, started.name, "".join(pieces)) for started, pieces in self._calls]

    @property
    def text(self) -> str:
        """All text, images in it as Markdown."""
        return "".join(self._texts)

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
        """Yield a complete answer as events, but for its end: thoughts, searches, cited text, calls.

        So an answer that was not streamed gets the same form as one that was.
        """
        if self.reasoning:
            yield Reasoning(self.reasoning)
        if self.search:
            yield self.search
        text, begin = self.text, 0
        for citation in self.citations:
            if citation.end > begin:
                yield Text(text[begin : citation.end])
                begin = citation.end
            yield citation
        if begin < len(text):
            yield Text(text[begin:])
        for call in self.tool_calls:
            yield from call_events(call)

    def counts(self, question: ChatRequest) -> Usage:
        """Return the site's counts; if it gave none, count with the vocabulary of the models."""
        if self.usage is not None:
            return self.usage
        thoughts = counting.count(self.reasoning)
        calls = sum(counting.count(call.name) + counting.count(call.arguments) for call in self.tool_calls)
        return Usage(question_tokens(question), counting.count(self.text) + calls + thoughts, thoughts)
