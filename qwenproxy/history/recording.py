"""The recording of one answer to a client that keeps its conversation: in a record, and in the index of places.

The conversations make it, the answer calls it when it is complete. Whatever the disk refuses, the client gets its
answer.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qwenproxy.chat import Message
from qwenproxy.errors import SetupError
from qwenproxy.history.client_chats import Known
from qwenproxy.history.format import RECORDED, owner_field
from qwenproxy.history.kept_answer import UPSTREAM, discard_new_chat
from qwenproxy.history.messages import from_stored, to_stored
from qwenproxy.history.records import Records
from qwenproxy.history.reuse import UpstreamMemory
from qwenproxy.history.runs import Run
from qwenproxy.history.site_index import Held

if TYPE_CHECKING:
    from qwenproxy.relay.questions import Relay

log = logging.getLogger(__name__)

RECORDED_CHAT_NAME = "OpenAI API Chat"


@dataclass(frozen=True, slots=True)
class Recording:
    """Keeps one answer, and where its conversation goes on; `known` is what was known before it."""

    records: Records
    known: Known
    chat_id: None = None
    existing_chat_id: None = None

    @property
    def relay(self) -> Relay:
        """What asked the site."""
        return self.records.relay

    def keep(self, run: Run) -> None:
        """Write the conversation into its record, and the place where it goes on into the index."""
        end = self.known.prefixes.after(run.answer.message)
        try:
            record = self._record(run, end.hex()) if self.records.client_chats.record_limit else self._owner(run)
        except SetupError as error:
            log.warning("account=%s an answer is not recorded: %s", run.account_id, error.message)
            self.drop(run)
            return
        if not self._hold(run, end, record) and record is None:
            self.drop(run)
        self.records.try_to_discard(self.records.client_chats.index.expire(self.records.client_chats.in_use))

    def drop(self, run: Run) -> None:
        """Forget an answer that is not kept: the site's chat goes if it was made for it."""
        if run.place.response_id:
            self.records.client_chats.index.note_other_answer(run.place.chat)
        discard_new_chat(self.relay, run)

    def _record(self, run: Run, end: str) -> str:
        """Append to the record that ends where this request begins, or make a new one. Raises SetupError."""
        record = self._append(run, end) or self._create(run, end)
        try:
            self.records.note(record)
        except SetupError as error:
            log.warning("records over the limit stay: %s", error.message)
        return record

    def _append(self, run: Run, end: str) -> str | None:
        """Append what is new; return None if the record does not end where this request begins."""
        candidate, history = self.known.candidate, self.records.history
        if candidate is None or candidate.record is None:
            return None
        with history.lock:
            chat = history.get(candidate.record)
            if chat is None or chat.recorded_end != candidate.hash.hex():
                return None
            new = [to_stored(message) for message in (*run.chat.messages[candidate.holds :], run.answer.message)]
            memory = UpstreamMemory.from_json(chat.extra.get(UPSTREAM))
            site_messages = [from_stored(message) for message in (*chat.messages, *new)]
            history.append_turn(chat.id, new, self._extra(run, memory, site_messages, end))
            return chat.id

    def _create(self, run: Run, end: str) -> str:
        messages = [to_stored(message) for message in (*run.chat.messages, run.answer.message)]
        # Read back from the stored form, so that the next turn computes the same fingerprint.
        site_messages = [from_stored(message) for message in messages]
        extra = {**owner_field(run.chat.client), **self._extra(run, UpstreamMemory(), site_messages, end)}
        return self.records.history.create(RECORDED_CHAT_NAME, messages, extra=extra)

    @staticmethod
    def _extra(run: Run, memory: UpstreamMemory, site_messages: list[Message], end: str) -> dict[str, Any]:
        # Turns by the native API offer no functions, so they must not go on in a site chat that has some.
        response_id = None if run.chat.tools else run.response_id
        memory = memory.after(run.place.chat, response_id, site_messages)
        return {UPSTREAM: memory.to_json(), RECORDED: {"end": end}}

    def _owner(self, run: Run) -> str | None:
        """Return the record that has the site's chat where the conversation goes on, while no records are written."""
        candidate = self.known.candidate
        return candidate.record if candidate and candidate.chat == run.place.chat else None

    def _hold(self, run: Run, end: bytes, record: str | None) -> bool:
        """Put the place after this answer into the index; return False if nothing can go on there."""
        index, chat, candidate = self.records.client_chats.index, run.place.chat, self.known.candidate
        if run.response_id is None:
            if run.place.response_id:
                index.note_other_answer(chat)
            return bool(run.place.response_id)
        lost = candidate if run.lost else None
        # An older answer may be refused although the chat is well; where the newest one is, nothing can go on there.
        is_refused = lost is not None and run.lost == "parent" and not lost.is_newest
        held = Held(
            hash=end,
            depth=len(run.chat.messages) + 1,
            chat=chat,
            response_id=run.response_id,
            model=run.model,
            way=run.way or "",
            record=record,
            lost=lost.chat if lost and not is_refused else None,
            refused_by=lost.chat.account_id if lost and is_refused else None,
        )
        is_held, orphans = index.keep(held)
        self.records.try_to_discard(orphans)
        return is_held
