"""The neutral vocabulary of a conversation: what a client asks (ChatRequest) and what comes back (events).

The api package translates JSON into these values and back; upstream translates them into the site's own forms.
Neither knows the other. Everything here is an immutable value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from qwenproxy.chat.works import Work

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
    """A document, or a sound to hear, by URL. `name` is the bare file name its sender gave it."""

    url: str
    name: str | None = None
    is_sound: bool = field(default=False, repr=False)  # older fingerprints are made of what repr writes


Part = TextPart | ImagePart | FilePart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model wanted called, as part of a message. `arguments` is JSON text, or a freeform tool's text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the client offers to the model. `parameters` is a JSON schema.

    A `freeform` tool takes any text in place of JSON; the model sees it as a function with one string, `input`. `name`
    is unique in its request; a tool of a `namespace` has it as its prefix, and the client knows the tool without it.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    freeform: bool = False
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """The form that the answer must have: one JSON object, and with a `schema` one that validates."""

    schema: dict[str, Any] | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class WebSearch:
    """The wish for a web search: at once (`forced`), or where the model wants it, at most `max_uses` times."""

    forced: bool = False
    max_uses: int | None = None


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

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """The images, in order."""
        return tuple(part for part in self.parts if isinstance(part, ImagePart))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question to the model, complete in itself, so that any account can answer it.

    `model` is the name the client used (None: the default). `thinking` None leaves the choice to the product.
    `max_tokens` and `stop` cut the answer. `tool_choice` is `auto`, `none`, `required` or a function's name; without
    `parallel_calls` an answer holds one call at most. `document` None means free text, `search` None no web search,
    `work` None talk. `streamed` says that the client reads the answer as it comes. `client` stands for its key, "" for
    none.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    thinking: bool | None = None
    thinking_budget: int | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel_calls: bool = True
    document: Document | None = None
    search: WebSearch | None = None
    work: Work | None = None
    streamed: bool = False
    client: str = ""

    @property
    def may_hold_calls(self) -> bool:
        """Whether the model may write calls: it has tools, sees the calls of earlier answers, or was denied them."""
        is_denied = self.tool_choice == "none"
        return bool(self.tools) or is_denied or any(message.tool_calls for message in self.messages)


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
class WrittenCall:
    """A call that the model made beside its text, as the site passes it on: nobody has checked it yet.

    `arguments` is JSON text, or what the model wrote in its place. An `intercepted` call went to the site's own tools.
    """

    name: str
    arguments: str
    intercepted: bool = False


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The model calls a tool of the client; its arguments follow, and no other call begins before their end."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """New text of the arguments of the call that has started, of JSON unless the tool is freeform."""

    text: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The arguments of the call that has started are complete."""


@dataclass(frozen=True, slots=True)
class CallDropped:
    """A call that the client does not get; `reason` says why. Its `name` is "" where text of the model may stand."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page that a web search found."""

    url: str
    title: str = ""
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """The web searches made for the answer so far: what was asked, and all pages found.

    The answer cites the page at place n of `results` as n, from 1. A page without a URL keeps the place of one to come.
    """

    results: tuple[SearchResult, ...]
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A mark in the answer's text, such as `[1]`, names a source. It comes after the text of the mark.

    `start` and `end` (exclusive) count characters, that is Unicode code points, of all text so far, images as Markdown.
    """

    start: int
    end: int
    source: SearchResult


@dataclass(frozen=True, slots=True)
class Image:
    """An image that belongs to the answer, by URL. Its size is in pixels, 0 where the site does not say."""

    url: str
    width: int = 0
    height: int = 0

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
    """The end of a complete answer. `stop` is the stop sequence that cut it, None if none did."""

    reason: Literal["stop", "length", "tool_calls"] = "stop"
    stop: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """A second of silence."""


Event = (
    Started
    | Text
    | Reasoning
    | WrittenCall
    | CallStarted
    | CallArguments
    | CallEnded
    | CallDropped
    | Search
    | Citation
    | Image
    | Usage
    | Finish
    | Tick
)


def call_events(call: ToolCall) -> tuple[CallStarted, CallArguments, CallEnded]:
    """Return the events of a call that is known whole."""
    return CallStarted(call.id, call.name), CallArguments(call.arguments), CallEnded()
