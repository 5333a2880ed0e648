"""What the history asks of an answer under way, whoever makes it: the relay's talk, or a film.

Stands between the answers that are kept and those who make them, so that neither has to know the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from qwenproxy.chat import ChatRequest, Event
from qwenproxy.chat.answer import Answer
from qwenproxy.chat.waiting import ClientGoneCheck
from qwenproxy.observe.laps import Laps
from qwenproxy.upstream.dialects import Way
from qwenproxy.upstream.places import SitePlace

if TYPE_CHECKING:
    from qwenproxy.relay.site_question import Loss


class Run(Protocol):
    """An answer under way, as an iterator of events that ends with Finish; `relay.run.ChatRun` says what each means."""

    @property
    def account_id(self) -> str:
        """The account that answers."""

    @property
    def chat(self) -> ChatRequest:
        """What was asked."""

    @property
    def place(self) -> SitePlace:
        """Where on the site it is answered."""

    @property
    def model(self) -> str:
        """The name of what answers."""

    @property
    def laps(self) -> Laps:
        """Where the time before the first event went."""

    @property
    def answer(self) -> Answer:
        """What has come so far."""

    @property
    def response_id(self) -> str | None:
        """The site's id of the answer, None where nothing can go on below it."""

    @property
    def lost(self) -> Loss | None:
        """Why the conversation does not go on where it was."""

    @property
    def way(self) -> Way | None:
        """How functions were offered."""

    def __iter__(self) -> Iterator[Event]: ...

    def close(self) -> None:
        """Stop it if it still runs. Idempotent."""


Opener = Callable[[ChatRequest, ClientGoneCheck], Run]
