"""Chats with a memory: a turn becomes a question that carries its chat's whole history, its answer becomes history.

Stands between the routes (api/native, api/openai, the chat routes) and the two that do the work: the relay asks,
history/store.py keeps. Knows neither HTTP nor which account answers.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from qwenproxy.chat import ChatRequest, Message, TextPart
from qwenproxy.errors import ChatNotFound, ProxyError, QueueTimeout, SetupError
from qwenproxy.history.format import Chat, StoredMessage, trim
from qwenproxy.history.messages import from_stored, to_stored
from qwenproxy.history.reuse import UpstreamMemory
from qwenproxy.history.store import HistoryStore

if TYPE_CHECKING:
    from qwenproxy.relay.questions import Relay
    from qwenproxy.relay.run import ChatRun

log = logging.getLogger(__name__)

NEW_CHAT_NAME = "New chat"
OPENAI_CHAT_NAME = "OpenAI API Chat"

# Fields of a chat's file beside the documented ones.
SYSTEM = "system"
UPSTREAM = "upstream"


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What a person says next in a chat. `system` holds from now on; None leaves what held before."""

    message: Message
    model: str | None = None
    system: str | None = None
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class _Question:
    """A turn with all that comes before it. `kept` is False for a chat that is not on the disk yet."""

    chat: Chat
    kept: bool
    system: str | None
    said: StoredMessage
    request: ChatRequest
    memory: UpstreamMemory


class Conversations:
    """All chats of this server."""

    def __init__(self, relay: Relay, history: HistoryStore, max_messages: int, queue_wait: float) -> None:
        """`max_messages` bounds what the model sees of a chat, the new turn included; a system text comes on top.

        A turn waits for those before it on its chat for `queue_wait` seconds at most.
        """
        self.history = history
        self._relay = relay
        self._max_messages = max_messages
        self._queue_wait = queue_wait
        history.on_delete = self._delete_upstream

    def create(self, name: str | None = None) -> str:
        """Begin an empty chat and return its id. Raises SetupError."""
        return self.history.create(name or NEW_CHAT_NAME)

    def answer_turn(self, chat_id: str | None, turn: UserTurn, client_gone: Callable[[], bool]) -> tuple[str, ChatRun]:
        """Start the answer to a turn of a chat (None or unknown: a new one); return the chat's id and the answer.

        Turns of one chat are answered one after the other: the next one starts when this run is closed or complete.
        The turn is kept when its answer is complete; a failed one leaves no trace. Raises what Relay.open raises,
        QueueTimeout when the chat stays busy, with the id of the chat in it if that exists, and SetupError, before the
        site is asked where no answer could be kept.
        """
        with ExitStack() as waiting:
            chat = None
            if chat_id is not None:
                self._wait_for_turn(waiting, chat_id, client_gone)
                chat = self.history.get(chat_id)
            kept = chat is not None
            if chat is None:
                waiting.close()
                chat = Chat(str(uuid.uuid4()), NEW_CHAT_NAME, 0)
                # A stream tells the id at its start: who goes on with it at once has to wait for this turn.
                waiting.enter_context(self.history.turn(chat.id))
            question = self._question(chat, turn, kept=kept)
            run = self._open(question, client_gone)
            run.on_end = partial(self._end_turn, waiting.pop_all(), run, question)
        return question.chat.id, run

    def answer_once(self, request: ChatRequest, client_gone: Callable[[], bool]) -> ChatRun:
        """Start the answer to a conversation that the client keeps; both are recorded as a new chat once complete.

        Raises what Relay.open raises.
        """
        run = self._relay.open(request, client_gone)
        run.on_end = partial(self._record, run)
        return run

    def _wait_for_turn(self, waiting: ExitStack, chat_id: str, client_gone: Callable[[], bool]) -> None:
        try:
            waiting.enter_context(self.history.turn(chat_id, self._queue_wait, client_gone))
        except QueueTimeout as error:
            if self.history.get(chat_id):
                error.chat_id = chat_id
            raise

    def _question(self, chat: Chat, turn: UserTurn, *, kept: bool) -> _Question:
        remembered = chat.extra.get(SYSTEM)
        system = turn.system or (remembered if isinstance(remembered, str) else None)
        said = to_stored(turn.message)
        before = trim(chat.messages, self._max_messages - 1)
        messages = [from_stored(stored) for stored in (*before, said)]
        if system:
            messages.insert(0, Message("system", (TextPart(system),)))
        memory = UpstreamMemory.from_json(chat.extra.get(UPSTREAM))
        request = ChatRequest(tuple(messages), turn.model, streamed=turn.streamed)
        return _Question(chat, kept, system, said, request, memory)

    def _open(self, question: _Question, client_gone: Callable[[], bool]) -> ChatRun:
        try:
            place = question.memory.place(question.request.messages[:-1])
            return self._relay.open(question.request, client_gone, place)
        except ProxyError as error:
            if question.kept:
                error.chat_id = question.chat.id
            raise

    def _end_turn(self, waiting: ExitStack, run: ChatRun, question: _Question, answer: Message | None) -> None:
        with waiting:
            if answer is None:
                self._delete_failed(run)
                return
            try:
                self._keep(run, question, to_stored(answer))
            except ChatNotFound:
                log.info("account=%s chat %s was deleted during its turn", run.account_id, question.chat.id)
                self._relay.discard([run.place.chat])

    def _keep(self, run: ChatRun, question: _Question, answer: StoredMessage) -> None:
        held = (*question.request.messages, from_stored(answer))
        extra: dict[str, Any] = {UPSTREAM: question.memory.after(run.place.chat, run.response_id, held).to_json()}
        if question.system:
            extra[SYSTEM] = question.system
        turn = (question.said, answer)
        if question.kept:
            self.history.append_turn(question.chat.id, turn, extra)
        else:
            self.history.create(question.chat.name, turn, question.chat.id, extra)

    def _record(self, run: ChatRun, answer: Message | None) -> None:
        if answer is None:
            self._delete_failed(run)
            return
        messages = [to_stored(message) for message in (*run.chat.messages, answer)]
        # The site was told of functions that no later turn of this chat offers: those turns begin afresh.
        response_id = None if run.chat.tools else run.response_id
        memory = UpstreamMemory().after(run.place.chat, response_id, [from_stored(stored) for stored in messages])
        try:
            self.history.create(OPENAI_CHAT_NAME, messages, extra={UPSTREAM: memory.to_json()})
        except SetupError as error:
            log.warning("account=%s an answer is not recorded: %s", run.account_id, error.message)

    def _delete_failed(self, run: ChatRun) -> None:
        # A chat of the site that this run only continued still holds the turns before.
        if not run.place.response_id:
            self._relay.discard([run.place.chat])

    def _delete_upstream(self, chats: Sequence[Chat]) -> None:
        memories = (UpstreamMemory.from_json(chat.extra.get(UPSTREAM)) for chat in chats)
        self._relay.discard([upstream for memory in memories for upstream in memory.chats])
