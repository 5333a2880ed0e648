"""Chats with a memory: a request becomes a question that carries its chat's whole history, its answer becomes history.

Stands between the wire APIs and the two that do the work: the relay asks, the store keeps. Knows neither HTTP nor which
account answers.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qwenproxy.chat import ChatRequest, Message, TextPart
from qwenproxy.chat.waiting import ClientGoneCheck
from qwenproxy.history.client_chats import ClientChats
from qwenproxy.history.format import Chat, ChatSummary, owner_field, trim
from qwenproxy.history.kept_answer import SYSTEM, UPSTREAM, Context, KeptAnswer, Turn, naming
from qwenproxy.history.messages import from_stored, to_stored
from qwenproxy.history.recording import Recording
from qwenproxy.history.records import Records
from qwenproxy.history.reuse import UpstreamMemory
from qwenproxy.history.runs import Opener, Run
from qwenproxy.history.store import HistoryStore
from qwenproxy.observe import journal
from qwenproxy.observe.pictures import AnsweredPictures
from qwenproxy.observe.texts import MessageTexts
from qwenproxy.upstream.places import SitePlace

if TYPE_CHECKING:
    from qwenproxy.relay.explaining import Explanation
    from qwenproxy.relay.questions import Relay

NEW_CHAT_NAME = "New chat"


@dataclass(frozen=True, slots=True)
class InChat:
    """A turn of a chat that the proxy keeps: the request brings what is new.

    `chat_id` None, unknown, or of a chat that the client does not see: a new chat.

    `opener` answers it in place of the relay; it knows nothing of the chat.
    """

    chat_id: str | None = None
    opener: Opener | None = None


@dataclass(frozen=True, slots=True)
class Alone:
    """A conversation that the client keeps, and sends whole. It goes on where the site holds its beginning."""


Place = InChat | Alone


class Conversations:
    """All chats of this server."""

    def __init__(
        self, relay: Relay, history: HistoryStore, max_messages: int, queue_wait: float, client_chats: ClientChats
    ) -> None:
        """`max_messages` bounds what the model sees of a chat, the new turn included; a system text comes on top.

        A turn waits up to `queue_wait` seconds for earlier turns of its chat.
        """
        self.history = history
        self._relay = relay
        self._max_messages = max_messages
        self._queue_wait = queue_wait
        self._client_chats = client_chats
        self._records = Records(history, relay, client_chats)
        self.texts = MessageTexts()  # for the dashboard, while a person wants them

    @property
    def pictures(self) -> AnsweredPictures:
        """The pictures of the last answers."""
        return self._relay.pictures

    def list(self, client: str) -> Iterable[ChatSummary]:
        """Return the chats that a client sees, newest first. Raises StorageError."""
        return (chat for chat in self.history.list() if chat.is_seen_by(client))

    def create(self, name: str, client: str) -> str:
        """Begin an empty chat of a client and return its id; `name` "" stands for any. Raises SetupError."""
        return self.history.create(name or NEW_CHAT_NAME, extra=owner_field(client))

    def delete(self, chat_id: str, client: str) -> None:
        """Delete a chat here and on the site. Raises ChatNotFound, SetupError."""
        self.history.delete(chat_id, self._records.delete_upstream, client)

    def rename(self, chat_id: str, name: object, client: str) -> str:
        """Give a chat another name and return it. Raises as the store does."""
        new_name = self.history.rename(chat_id, name, client)
        self._records.forget((chat_id,))
        return new_name

    def clean_up(self, criteria: Mapping[str, object], client: str) -> tuple[str, ...]:
        """Delete a client's chats that meet the criteria, here and on the site; return their ids.

        Raises as the store does.
        """
        return self.history.cleanup(criteria, self._records.delete_upstream, client)

    def answer(self, place: Place, request: ChatRequest, client_gone: ClientGoneCheck) -> KeptAnswer:
        """Start the answer to a request, and keep both once the answer is complete.

        Turns of one chat are answered one after the other: the next one starts when this answer is closed or complete.
        A failed one leaves no trace. Raises what Relay.open raises, QueueTimeout if the chat stays busy, and, before it
        asks the site, SetupError if no answer could be kept; the error names the chat if that exists.
        """
        if self.texts.is_on:
            self.texts.note_question((message.role, message.text) for message in request.messages)
        if isinstance(place, Alone):
            return self._answer_alone(request, client_gone)
        with ExitStack() as waiting:
            chat = self._wait_for_turn(waiting, place.chat_id, client_gone) if place.chat_id else None
            chat = chat if chat and chat.is_seen_by(request.client) else None
            is_kept = chat is not None
            if chat is None:
                waiting.close()
                chat = Chat(str(uuid.uuid4()), NEW_CHAT_NAME, 0, extra=owner_field(request.client))
                # A stream names its chat at the start, so a client may go on at once: that has to wait for this turn.
                waiting.enter_context(self.history.turn(chat.id))
            turn = self._turn(chat, request, is_kept=is_kept)
            with naming(chat.id if is_kept else None):
                run = self._open(place, turn, client_gone, waiting)
            waiting.callback(self._note_answer, run)
            return KeptAnswer(run, turn, _context(run, is_known=bool(chat.messages)), waiting.pop_all())

    def _answer_alone(self, request: ChatRequest, client_gone: ClientGoneCheck) -> KeptAnswer:
        with ExitStack() as waiting:
            known = self._client_chats.find(request, waiting)
            run = self._relay.open(request, client_gone, known.place)
            waiting.callback(self._note_answer, run)
            context = _context(run, is_known=known.is_known)
            return KeptAnswer(run, Recording(self._records, known), context, waiting.pop_all())

    def _note_answer(self, run: Run) -> None:
        self.texts.note_answer(run.answer.text)
        self._relay.pictures.note((image.url for image in run.answer.images), run.account_id)

    def explain(self, place: Place, request: ChatRequest) -> tuple[Explanation, Context]:
        """Return what would be sent for a request now, and how the question would reach the model.

        Nothing is sent and nothing changes. Raises what Relay.explain and the store raise.
        """
        if isinstance(place, Alone):
            known = self._client_chats.foresee(request)
            explanation = self._relay.explain(request, known.place)
            return explanation, _context_of(explanation.draft.place, is_known=known.is_known)
        chat = self.history.get(place.chat_id, request.client) if place.chat_id else None
        turn = self._turn(chat or Chat("", NEW_CHAT_NAME, 0), request, is_kept=chat is not None)
        is_free = turn.place is not None and turn.place.chat not in self._client_chats.in_use
        explanation = self._relay.explain(turn.request, turn.place if is_free else None)
        return explanation, _context_of(explanation.draft.place, is_known=bool(chat and chat.messages))

    def _open(self, place: InChat, turn: Turn, client_gone: ClientGoneCheck, waiting: ExitStack) -> Run:
        if place.opener:
            return place.opener(turn.request, client_gone)
        return self._relay.open(turn.request, client_gone, self._site_place(turn, waiting))

    def _site_place(self, turn: Turn, waiting: ExitStack) -> SitePlace | None:
        """Return where a turn goes on, which serves no other request until `waiting` ends; None if nowhere."""
        place, in_use = turn.place, self._client_chats.in_use
        if place is None or not in_use.claim(place.chat):
            return None
        waiting.callback(in_use.release, place.chat)
        return place

    def _wait_for_turn(self, waiting: ExitStack, chat_id: str, client_gone: ClientGoneCheck) -> Chat | None:
        with naming(chat_id if self.history.has(chat_id) else None):
            waiting.enter_context(self.history.turn(chat_id, self._queue_wait, client_gone))
        return self.history.get(chat_id)

    def _turn(self, chat: Chat, request: ChatRequest, *, is_kept: bool) -> Turn:
        """Put the chat's history before what the request brings: a message, and perhaps a new system text."""
        *systems, message = request.messages
        old_system = chat.extra.get(SYSTEM)
        system = "\n\n".join(each.text for each in systems) or (old_system if isinstance(old_system, str) else None)
        new = to_stored(message)
        before = trim(chat.messages, self._max_messages - 1)
        # Read back from the stored form, so that the next turn computes the same fingerprint.
        messages = [from_stored(each) for each in (*before, new)]
        if system:
            messages.insert(0, Message("system", (TextPart(system),)))
        if request.work and (request.work.is_picture or request.work.is_film):
            messages = messages[-1:]  # what was said before is no part of it
        question = replace(request, messages=tuple(messages))
        memory = UpstreamMemory.from_json(chat.extra.get(UPSTREAM))
        return Turn(self._records, chat, is_kept, system, new, question, memory)


def _context(run: Run, *, is_known: bool) -> Context:
    """Return how the question reached the model, and put the begin of the answer into the journal."""
    context = _context_of(run.place, is_known=is_known)
    seconds = run.laps.seconds if run.chat.streamed else None
    journal.note(journal.AnswerBegan(run.account_id, run.model, context, run.laps.header, seconds))
    return context


def _context_of(place: SitePlace | None, *, is_known: bool) -> Context:
    """Return how a question in this place reaches the model."""
    if place and place.response_id:
        return "continued"
    return "replayed" if is_known else "new"
