"""An answer under way that becomes part of a chat when it is complete.

The conversations make it, the api iterates and closes it. Its record decides what to keep, and where: a turn of a
kept chat, or a recording of a conversation that the client keeps.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from qwenproxy.chat import ChatRequest, Event, Finish
from qwenproxy.errors import ChatNotFound, ProxyError
from qwenproxy.history.format import RECORDED, Chat, StoredMessage
from qwenproxy.history.messages import from_stored, to_stored
from qwenproxy.history.reuse import UpstreamMemory
from qwenproxy.history.runs import Run
from qwenproxy.upstream.places import SitePlace

if TYPE_CHECKING:
    from qwenproxy.history.records import Records
    from qwenproxy.relay.questions import Relay

log = logging.getLogger(__name__)

# Whether the site goes on with a conversation, got it whole although it was known, or sees it for the first time.
Context = Literal["continued", "replayed", "new"]

# Fields of a chat's file beside the documented ones.
SYSTEM = "system"
UPSTREAM = "upstream"


class Record(Protocol):
    """Where an answer is kept."""

    @property
    def chat_id(self) -> str | None:
        """The id of the chat that the client can go on with, None if it has none."""

    @property
    def existing_chat_id(self) -> str | None:
        """The same if the chat exists even without this answer."""

    def keep(self, run: Run) -> None:
        """Keep question and answer. Raises SetupError."""

    def drop(self, run: Run) -> None:
        """Remove what is left of an answer that is not complete."""


class KeptAnswer:
    """The events of an answer. Finish comes when the answer is kept; `run` is the answer itself."""

    def __init__(self, run: Run, record: Record, context: Context, waiting: ExitStack | None = None) -> None:
        """`waiting` ends when the answer is complete or closed, so that the chat's next turn can begin."""
        self.run = run
        self.context = context
        self.chat_id = record.chat_id
        self._record = record
        self._waiting = waiting or ExitStack()
        self._is_settled = False  # kept or dropped

    def __iter__(self) -> Iterator[Event]:
        with naming(self._record.existing_chat_id):
            for event in self.run:
                if isinstance(event, Finish):
                    with self._waiting:
                        self._record.keep(self.run)
                    self._is_settled = True  # not before: what cannot be kept is dropped
                yield event

    def __enter__(self) -> KeptAnswer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the answer if it still runs; one that is not complete leaves no trace. Idempotent."""
        self.run.close()
        with self._waiting:
            if self._is_settled:
                return
            self._is_settled = True
            self._record.drop(self.run)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a chat, with all that comes before it. `is_kept` is False for a chat that is not on the disk yet."""

    records: Records
    chat: Chat
    is_kept: bool
    system: str | None
    message: StoredMessage
    request: ChatRequest
    memory: UpstreamMemory

    @property
    def place(self) -> SitePlace | None:
        """Where on the site this turn goes on, None if it has to be sent whole."""
        work = self.request.work
        return self.memory.place(self.request.messages[:-1], work.kind if work else "")

    @property
    def chat_id(self) -> str:
        """The id of the chat, which a stream names at its start."""
        return self.chat.id

    @property
    def existing_chat_id(self) -> str | None:
        """None in the first turn: if that fails, the chat never exists."""
        return self.chat.id if self.is_kept else None

    def keep(self, run: Run) -> None:
        """Write the turn, and where the chat stands on the site. Raises SetupError."""
        answer = to_stored(run.answer.message)
        extra: dict[str, Any] = {UPSTREAM: self._memory_after(run, answer).to_json()}
        if self.system:
            extra[SYSTEM] = self.system
        if RECORDED in self.chat.extra:
            extra[RECORDED] = None  # somebody goes on with it here, so it is theirs from now on
        messages, history = (self.message, answer), self.records.history
        try:
            if self.is_kept:
                history.append_turn(self.chat.id, messages, extra)
                self.records.forget((self.chat.id,))
            else:
                history.create(self.chat.name, messages, self.chat.id, {**self.chat.extra, **extra})
        except ChatNotFound:
            log.info("account=%s chat %s was deleted during its turn", run.account_id, self.chat.id)
            if not self._is_film:
                self.records.relay.discard([run.place.chat])

    def drop(self, run: Run) -> None:
        """Delete the site's chat if it was made for this turn; a film is made in it whether or not somebody waits."""
        if not self._is_film:
            discard_new_chat(self.records.relay, run)

    @property
    def _is_film(self) -> bool:
        """Whether the site's chat is that of a film, which belongs to its job and not to this chat."""
        return self.request.work is not None and self.request.work.is_film

    def _memory_after(self, run: Run, answer: StoredMessage) -> UpstreamMemory:
        if self._is_film:
            return self.memory
        site_messages = (*self.request.messages, from_stored(answer))
        kind = self.request.work.kind if self.request.work else ""
        return self.memory.after(run.place.chat, run.response_id, site_messages, kind)


def discard_new_chat(relay: Relay, run: Run) -> None:
    """Delete the chat of the site that was made for an answer which is not kept."""
    # A chat that the answer only continued still holds the turns before.
    if not run.place.response_id:
        relay.try_to_discard(run.place.chat)


@contextlib.contextmanager
def naming(chat_id: str | None) -> Iterator[None]:
    """Put the id of the kept chat into errors. Nothing else does that."""
    try:
        yield
    except ProxyError as error:
        error.chat_id = chat_id
        raise
