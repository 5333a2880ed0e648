"""Events of requests and their answers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

from qwenproxy.observe.journal.event import Event

CLIENT_LENGTH = 8  # characters of what stands for a client's key: enough to tell clients apart
MODEL_LENGTH = 100  # characters of a model's name, which the client chose


@dataclass(frozen=True, slots=True)
class RequestBegan(Event):
    """A request came. `size` is that of its body in bytes, None where the client does not say it."""

    level: ClassVar[int] = logging.DEBUG

    method: str
    path: str
    address: str
    size: int | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} from {self.address}"


@dataclass(frozen=True, slots=True)
class QuestionAsked(Event):
    """A request is a question to a model. `model` is the name that the client used, "" for the default.

    `tools` and `attachments` are how many the whole conversation brings along.
    """

    level: ClassVar[int] = logging.DEBUG

    client: str
    model: str
    tools: int
    attachments: int

    def __str__(self) -> str:
        return f"question with {self.tools} tools and {self.attachments} attachments"  # no text of the client


@dataclass(frozen=True, slots=True)
class ResponseEnded(Event):
    """The last byte of an answer is written, or its client has left; `size` is that of the body in bytes, if known."""

    level: ClassVar[int] = logging.DEBUG

    size: int | None
    seconds: float

    def __str__(self) -> str:
        what = "answer" if self.size is None else f"{self.size} bytes"
        return f"{what} written in {self.seconds:.3f} s"


@dataclass(frozen=True, slots=True)
class RequestEnded(Event):
    """A request got its answer, or its stream's headers."""

    method: str
    path: str
    status: int
    seconds: float
    route: str = ""  # the rule that matched, "" for none
    client: str = ""  # what stands for its key, "" for none
    code: str = ""  # of the error that it got

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status} {self.seconds:.3f} s"


@dataclass(frozen=True, slots=True)
class FileSent(RequestEnded):
    """The same for a file of a page of ours: one load of the page takes dozens, which says nothing to anybody."""

    level: ClassVar[int] = logging.DEBUG


@dataclass(frozen=True, slots=True)
class AnswerEnded(Event):
    """An answer is complete. `seconds` counts from the question; tokens are the site's, None if it gave none."""

    level: ClassVar[int] = logging.DEBUG

    account_id: str
    model: str
    reason: str
    seconds: float
    input_tokens: int | None = None
    output_tokens: int | None = None

    def __str__(self) -> str:
        return f"account={self.account_id} answer of {self.model} ended ({self.reason}) after {self.seconds:.3f} s"


@dataclass(frozen=True, slots=True)
class PicturesMissing(Event):
    """Of several pictures the last `count` are missing in the answer, because one of them failed."""

    level: ClassVar[int] = logging.WARNING

    count: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.count} pictures are missing in the answer: {self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class FilmEnded(Event):
    """A film is `completed` or `failed`, so many seconds after it was ordered."""

    account_id: str
    status: str
    seconds: float

    def __str__(self) -> str:
        return f"account={self.account_id} film {self.status} after {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class AnswerBegan(Event):
    """The first part of an answer is there, `seconds` after its request; None if the answer came whole.

    `context` is continued, replayed or new: what the site held of the conversation. `laps` says where the time went.
    """

    level: ClassVar[int] = logging.DEBUG

    account_id: str
    model: str
    context: str
    laps: str
    seconds: float | None = None

    def __str__(self) -> str:
        when = "" if self.seconds is None else f" after {self.seconds:.3f} s"
        return f"account={self.account_id} answer of {self.model} began{when}, context={self.context}"


# Bounds of delays in seconds: from a part that comes together with the one before it to a long silence.
DELAYS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class AnswerPaced(Event):
    """How long the parts of an answer were waited for: how many up to each of DELAYS, and over the last; the sum."""

    level: ClassVar[int] = logging.DEBUG

    counts: tuple[int, ...]
    seconds: float

    def __str__(self) -> str:
        return f"{sum(self.counts)} further parts in {self.seconds:.3f} s"


@dataclass(frozen=True, slots=True)
class AskedForCorrection(Event):
    """An answer did not do what the request demands, so the model is asked once more."""

    account_id: str
    model: str

    def __str__(self) -> str:
        return f"account={self.account_id} model={self.model} asked for a correction"


@dataclass(frozen=True, slots=True)
class OfferChanged(Event):
    """A way of offering functions did not work with an account and a model; from now on another `way` is used."""

    account_id: str
    model: str
    way: str

    def __str__(self) -> str:
        return f"account={self.account_id} model={self.model} functions are offered differently from now on: {self.way}"


@dataclass(frozen=True, slots=True)
class Searched(Event):
    """The web was searched in a chat of its own, because the model of an answer called for it."""

    account_id: str
    pages: int
    seconds: float

    def __str__(self) -> str:
        return f"account={self.account_id} searched the web for an answer: {self.pages} pages in {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class SearchFailed(Event):
    """Such a search failed, and the model is told so; `code` is that of the error."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"account={self.account_id} a web search for an answer failed: {self.message}"


@dataclass(frozen=True, slots=True)
class SentAsFile(Event):
    """A question was too long, so its older part went as a text file; both lengths are in characters."""

    account_id: str
    older: int
    inline: int

    def __str__(self) -> str:
        return f"account={self.account_id} long text: {self.older} characters as a file, {self.inline} in the question"


@dataclass(frozen=True, slots=True)
class CallDropped(Event):
    """The site passed on a call of a function that cannot be carried out, so the client does not get it."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    model: str
    name: str

    def __str__(self) -> str:
        # The model wrote the name: at most one short word of it may reach the log.
        of = f" of {self.name[:64]!a}" if self.name else ""
        return f"account={self.account_id} model={self.model} dropped a call{of}"


@dataclass(frozen=True, slots=True)
class AnswerBroke(Event):
    """An answer ended with an error after it had begun; `code` is that of the error."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"account={self.account_id} answer broke off: {self.message}"


@dataclass(frozen=True, slots=True)
class NoAnswer(Event):
    """An answer did not begin, and the client gets the error inside a stream; `code` is that of the error."""

    level: ClassVar[int] = logging.WARNING

    code: str
    message: str

    def __str__(self) -> str:
        return f"no answer came: {self.message}"


@dataclass(frozen=True, slots=True)
class ClientLeft(Event):
    """A client left before its answer was complete. `account_id` is "" if none answered yet."""

    account_id: str = ""

    def __str__(self) -> str:
        return f"account={self.account_id or '-'} client gone, answer stopped"


@dataclass(frozen=True, slots=True)
class TriedAgain(Event):
    """Work failed in passing, and the same account gets it once more."""

    account_id: str
    message: str

    def __str__(self) -> str:
        return f"account={self.account_id} trying again: {self.message}"
