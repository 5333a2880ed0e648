"""What happens, as typed events for the log and for subscribers (metrics, a dashboard).

An event travels as a log record whose message is the event itself. So no constructor takes a journal, each event has
its request, and its text is one line of the log. Events hold ids, counts and words of our own; never a token, key,
cookie or message text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from qwenproxy.observe.journal.accounts import (
    AccountInvalid,
    AccountRests,
    BrowserEnded,
    BrowserOpened,
    KindRests,
    PageLoaded,
    SettingsChangeAnswers,
    TokenRenewed,
)
from qwenproxy.observe.journal.answers import (
    CLIENT_LENGTH,
    DELAYS,
    MODEL_LENGTH,
    AnswerBegan,
    AnswerBroke,
    AnswerEnded,
    AnswerPaced,
    AskedForCorrection,
    CallDropped,
    ClientLeft,
    FileSent,
    FilmEnded,
    NoAnswer,
    OfferChanged,
    PicturesMissing,
    QuestionAsked,
    RequestBegan,
    RequestEnded,
    ResponseEnded,
    Searched,
    SearchFailed,
    SentAsFile,
    TriedAgain,
)
from qwenproxy.observe.journal.event import Event

__all__ = [
    "CLIENT_LENGTH",
    "DELAYS",
    "MODEL_LENGTH",
    "AccountInvalid",
    "AccountRests",
    "AnswerBegan",
    "AnswerBroke",
    "AnswerEnded",
    "AnswerPaced",
    "AskedForCorrection",
    "BrowserEnded",
    "BrowserOpened",
    "CallDropped",
    "ClientLeft",
    "Event",
    "FileSent",
    "FilmEnded",
    "KindRests",
    "NoAnswer",
    "OfferChanged",
    "PageLoaded",
    "PicturesMissing",
    "QuestionAsked",
    "RequestBegan",
    "RequestEnded",
    "ResponseEnded",
    "SearchFailed",
    "Searched",
    "SentAsFile",
    "SettingsChangeAnswers",
    "Subscription",
    "TokenRenewed",
    "TriedAgain",
    "note",
]

log = logging.getLogger(__name__)
trouble = logging.getLogger("qwenproxy.observe.subscribers")
# Subscribers get every event, whatever the log shows.
log.setLevel(logging.DEBUG)


def note(event: Event) -> None:
    """Send an event to the log and to the subscribers."""
    log.log(event.level, event)


class Subscription(logging.Handler):
    """A subscriber. Calls `receive` with each event in the thread where it happened, so that must be quick and safe."""

    def __init__(self, receive: Callable[[Event], None]) -> None:
        super().__init__(logging.DEBUG)
        self._receive = receive

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record without the lock of handlers: one slow subscriber must not make all requests wait in line."""
        self.emit(record)
        return True

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
