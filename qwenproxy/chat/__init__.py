"""The neutral vocabulary of a conversation: what a client asks (ChatRequest) and what comes back (events).

The api package translates JSON into these values and back; upstream translates them into the site's own forms.
Neither knows the other. Everything here is an immutable value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of text in a message."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image, by http(s) or data: URL."""

    url: str


@dataclass(frozen=True, slots=True)
class FilePart:
    """A document, by URL. `name` is the bare file name its sender gave it."""

    url: str
    name: str | None = None


Part = TextPart | ImagePart | FilePart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model wants called. `arguments` is JSON text. Both an event and a part of a message."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the client offers to the model. `parameters` is a JSON schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. A tool message carries the result of the call `tool_call_id`."""

    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The text parts, joined by line breaks."""
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def attachments(self) -> tuple[ImagePart | FilePart, ...]:
        """The parts that are not text, in order."""
        return tuple(part for part in self.parts if not isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question to the model, complete in itself, so that any account can answer it.

    `model` is the name the client used (None: the default). `thinking` None leaves the choice to the product.
    `max_tokens` and `stop` cut the answer. `tool_choice` is `auto`, `none`, `required` or a function's name. `streamed`
    says that the client reads the answer as it comes.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    thinking: bool | None = None
    thinking_budget: int | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """The site accepted the question: its own ids of the user message and of the answer."""

    response_id: str
    parent_id: str


@dataclass(frozen=True, slots=True)
class Text:
    """New text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """New text of the model's thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page that a web search found."""

    url: str
    title: str = ""
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """A web search the site made for the answer."""

    results: tuple[SearchResult, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """An image that belongs to the answer, by URL."""

    url: str

    @property
    def markdown(self) -> str:
        """The form in which it stands in an answer's text."""
        return f"![image]({self.url})\n"


@dataclass(frozen=True, slots=True)
class Usage:
    """The site's token counts so far (cumulative). `output_tokens` includes `reasoning_tokens`."""

    input_tokens: int
    output_tokens: int
    reasoning_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a complete answer."""

    reason: Literal["stop", "length", "tool_calls"] = "stop"


@dataclass(frozen=True, slots=True)
class Tick:
    """A second of silence."""


Event = Started | Text | Reasoning | ToolCall | Search | Image | Usage | Finish | Tick
