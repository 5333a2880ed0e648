"""What happens, as typed events for the log and for subscribers (metrics, a dashboard).

An event travels as a log record whose message is the event itself. So no constructor takes a journal, each event has
its request, and its text is one line of the log. Events hold ids, counts and words of our own; never a token, key,
cookie or message text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

log = logging.getLogger(__name__)
trouble = logging.getLogger("qwenproxy.observe.subscribers")
# Subscribers get every event, whatever the log shows.
log.setLevel(logging.DEBUG)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Its text is a line of the log."""

    level: ClassVar[int] = logging.INFO


@dataclass(frozen=True, slots=True)
class RequestEnded(Event):
    """A request got its answer, or its stream's headers."""

    method: str
    path: str
    status: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status} {self.seconds:.3f} s"


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
class ContextChosen(Event):
    """An account answers. `context` is continued, replayed or new: what the site held of the conversation."""

    level: ClassVar[int] = logging.DEBUG

    account_id: str
    context: str

    def __str__(self) -> str:
        return f"account={self.account_id} context={self.context}"


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
        return f"account={self.account_id} model={self.model} dropped a call of {self.name[:64]!a}"


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
class ClientLeft(Event):
    """A client left in the middle of its answer."""

    account_id: str

    def __str__(self) -> str:
        return f"account={self.account_id} client gone, answer stopped"


@dataclass(frozen=True, slots=True)
class TriedAgain(Event):
    """Work failed in passing, and the same account gets it once more."""

    account_id: str
    message: str

    def __str__(self) -> str:
        return f"account={self.account_id} trying again: {self.message}"


@dataclass(frozen=True, slots=True)
class AccountRests(Event):
    """An account gets no requests for `seconds`. `reason` is "", verification, browser or renewal."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    seconds: float
    reason: str
    message: str

    def __str__(self) -> str:
        if self.reason == "verification":
            return f"account={self.account_id} VERIFY: {self.message}"
        causes = {"browser": ", its browser does not start", "renewal": ", its page did not renew the login"}
        return f"account={self.account_id} WAIT for {self.seconds:.0f} s{causes.get(self.reason, '')}: {self.message}"


@dataclass(frozen=True, slots=True)
class KindRests(Event):
    """An account does no work of one kind, such as uploads, for `seconds`."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    kind: str
    seconds: float
    message: str

    def __str__(self) -> str:
        return f"account={self.account_id} no {self.kind} for {self.seconds:.0f} s: {self.message}"


@dataclass(frozen=True, slots=True)
class AccountInvalid(Event):
    """An account needs a new login."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    message: str

    def __str__(self) -> str:
        return f"account={self.account_id} INVALID: {self.message} Run: qwenproxy account relogin {self.account_id}"


@dataclass(frozen=True, slots=True)
class BrowserOpened(Event):
    """An account's browser is up, with the site's page in it."""

    account_id: str
    seconds: float

    def __str__(self) -> str:
        return f"account={self.account_id} browser opened in {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class BrowserEnded(Event):
    """An account's browser ended by itself: it crashed, or somebody ended it."""

    level: ClassVar[int] = logging.WARNING

    account_id: str

    def __str__(self) -> str:
        return f"account={self.account_id} its browser ended by itself"


@dataclass(frozen=True, slots=True)
class PageLoaded(Event):
    """An account's page was loaded anew; `second_tab`: a second tab took over."""

    account_id: str
    seconds: float
    second_tab: bool = False

    def __str__(self) -> str:
        how = "loaded in a second tab, which takes over" if self.second_tab else "loaded anew"
        return f"account={self.account_id} page {how} in {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class TokenRenewed(Event):
    """The site renewed a login in the account's page, and the proxy kept it."""

    account_id: str

    def __str__(self) -> str:
        return f"account={self.account_id} token renewed by the site"


@dataclass(frozen=True, slots=True)
class SettingsChangeAnswers(Event):
    """The settings of an account on the site change its answers, and did not do so in this way before."""

    level: ClassVar[int] = logging.WARNING

    account_id: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"account={self.account_id} its settings on the site change its answers ({', '.join(self.names)}). "
            f"See and change them: qwenproxy account settings {self.account_id}"
        )


def note(event: Event) -> None:
    """Send an event to the log and to the subscribers."""
    log.log(event.level, event)


class Subscription(logging.Handler):
    """A subscriber. Calls `receive` with each event in the thread where it happened, so that must be quick and safe."""

    def __init__(self, receive: Callable[[Event], None]) -> None:
        super().__init__(logging.DEBUG)
        self._receive = receive

    def createLock(self) -> None:
        """Have no lock: one slow subscriber must not make all requests wait in line."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Hand an event on; other log records are no events. An error of the subscriber harms nobody else."""
        if not isinstance(record.msg, Event):
            return
        try:
            self._receive(record.msg)
        except Exception as error:
            trouble.error("a subscriber failed with %s at %s", type(error).__name__, type(record.msg).__name__)

    def __enter__(self) -> Subscription:
        log.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        log.removeHandler(self)
        self.close()
