"""Where conversations of clients can go on: what stands for their beginnings, with places on the site (contract 7.4).

Stands on state.db, which keeps it over a restart. Whatever the disk refuses costs only the memory: nothing here raises
for it. Knows neither requests nor calls to the site.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from qwenproxy.disk.state import Row, State, Transaction
from qwenproxy.errors import StorageError
from qwenproxy.history.in_use import ChatsInUse
from qwenproxy.upstream.places import SiteChat

log = logging.getLogger(__name__)

DAY = 86400.0
CANDIDATES = 32  # places that are read for one request
EXPIRE_EVERY = 64  # answers between two looks for what is too old or too much

Result = TypeVar("Result")

_FIND = """
    SELECT p.hash, p.account, p.chat, p.response, p.model, p.way, p.record, c.newest = p.response AS is_newest, r.at
    FROM places p JOIN site_chats c USING (account, chat)
    LEFT JOIN parent_refusals r ON r.account = p.account AND r.at > ?
    WHERE p.used > ? AND p.hash IN ({marks}) ORDER BY p.depth DESC, is_newest DESC, c.used DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class IndexLimits:
    """What the index keeps at most: places in all, and chats of the site that no record has. Times are in days.

    Questions under older answers are tried again on an account `refusal_days` after one was refused there.
    """

    places: int = 50_000
    chats: int = 1000
    days: float = 30.0
    refusal_days: float = 7.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place after `holds` messages where a conversation may go on. `record` is the kept chat that ended there.

    `may_ask` is False if it is not the newest place of its chat, and its account was refused such a question.
    """

    chat: SiteChat
    response_id: str
    holds: int
    hash: bytes
    model: str
    way: str
    record: str | None
    is_newest: bool
    may_ask: bool


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that the site holds as the client got it. `hash` stands for the conversation of `depth` messages.

    `lost` is a chat that the site does not continue any more, `refused_by` an account that was refused a question under
    an older answer.
    """

    hash: bytes
    depth: int
    chat: SiteChat
    response_id: str
    model: str
    way: str
    record: str | None
    lost: SiteChat | None = None
    refused_by: str | None = None


class SiteIndex:
    """All places where clients' conversations can go on. Safe among threads; `clock` gives seconds since 1970."""

    def __init__(self, state: State, limits: IndexLimits | None = None, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._limits = limits or IndexLimits()
        self._clock = clock
        self._kept = 0
        self._counting = threading.Lock()

    def find(self, beginnings: dict[bytes, int]) -> list[Candidate]:
        """Return the places of these beginnings, the longest first. `beginnings` has their numbers of messages."""
        if not beginnings:
            return []
        since = (self._before(self._limits.refusal_days), self._before(self._limits.days))
        statement = _FIND.format(marks=",".join("?" * len(beginnings)))
        no_rows: list[Row] = []
        rows = self._try(lambda: self._state.rows(statement, *since, *beginnings, CANDIDATES), no_rows)
        return [candidate for row in rows if (candidate := _candidate(row, beginnings))]

    def keep(self, held: Held) -> tuple[bool, list[SiteChat]]:
        """Keep a place; return whether it is kept, and the chat that was lost if nobody else deletes it."""
        now = self._now()

        def write(state: Transaction) -> list[SiteChat]:
            chat = (held.chat.account_id, held.chat.chat_id)
            orphans = _drop(state, [held.lost]) if held.lost else []
            if held.refused_by:
                state.do("INSERT OR REPLACE INTO parent_refusals VALUES (?, ?)", held.refused_by, now)
            end = (held.response_id, held.record, now)
            state.do("INSERT OR REPLACE INTO site_chats VALUES (?, ?, ?, ?, ?)", *chat, *end)
            place = (held.hash, *chat, held.response_id, held.depth, held.model, held.way, held.record, now)
            state.do("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *place)
            return orphans

        orphans = self._try(lambda: self._state.change(write), None)
        return orphans is not None, orphans or []

    def note_other_answer(self, chat: SiteChat) -> None:
        """Note that the newest answer in a chat is none that a conversation can go on from."""
        statement = "UPDATE site_chats SET newest = '' WHERE account = ? AND chat = ?"
        self._try(lambda: self._state.change(lambda state: state.do(statement, chat.account_id, chat.chat_id)), 0)

    def release(self, record: str, chats: Sequence[SiteChat]) -> list[SiteChat]:
        """Forget the chats of a kept chat that goes; return them without those that another one used after it."""

        def write(state: Transaction) -> list[SiteChat]:
            own = [chat for chat in chats if _owner(state, chat) in (None, record)]
            _drop(state, own)
            return own

        return self._try(lambda: self._state.change(write), list(chats))

    def expire(self, in_use: ChatsInUse) -> list[SiteChat]:
        """Forget what is too old or too much, now and then; return the chats that nobody needs any more."""
        with self._counting:
            is_due = self._kept % EXPIRE_EVERY == 0
            self._kept += 1
        if not is_due:
            return []
        return self._try(lambda: self._state.change(lambda state: self._expire(state, in_use)), [])

    def _expire(self, state: Transaction, in_use: ChatsInUse) -> list[SiteChat]:
        state.do("DELETE FROM places WHERE used < ?", self._before(self._limits.days))
        state.do("DELETE FROM parent_refusals WHERE at < ?", self._before(self._limits.refusal_days))
        surplus = max(0, state.rows("SELECT count(*) FROM places")[0][0] - self._limits.places)
        oldest = "SELECT hash, account, chat FROM places ORDER BY used LIMIT ?"
        state.do(f"DELETE FROM places WHERE (hash, account, chat) IN ({oldest})", surplus)
        rows = state.rows(
            "SELECT account, chat FROM site_chats c WHERE NOT EXISTS (SELECT 1 FROM places p "
            "WHERE p.account = c.account AND p.chat = c.chat) UNION SELECT account, chat FROM (SELECT account, chat "
            "FROM site_chats WHERE record IS NULL ORDER BY used DESC LIMIT -1 OFFSET ?)",
            self._limits.chats,
        )
        # A damaged file may hold anything.
        chats = [SiteChat(*row) for row in rows if all(isinstance(each, str) for each in row)]
        # Hold them until they are forgotten, so that no request goes on there meanwhile.
        free = [chat for chat in chats if in_use.claim(chat)]
        try:
            return _drop(state, free)
        finally:
            for chat in free:
                in_use.release(chat)

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _before(self, days: float) -> int:
        return int((self._clock() - days * DAY) * 1000)

    @staticmethod
    def _try(work: Callable[[], Result], otherwise: Result) -> Result:
        try:
            return work()
        except StorageError as error:
            log.warning("where conversations go on is not remembered: %s", error.message)
            return otherwise


def _candidate(row: Row, beginnings: dict[bytes, int]) -> Candidate | None:
    """Read a row; None if a damaged file has anything else in it."""
    digest, account_id, chat_id, response_id, model, way, record, is_newest, refused_at = row
    texts = (account_id, chat_id, response_id, model, way)
    if digest not in beginnings or not all(isinstance(text, str) for text in texts) or "" in texts[:3]:
        return None
    return Candidate(
        SiteChat(account_id, chat_id),
        response_id,
        beginnings[digest],
        digest,
        model,
        way,
        record if isinstance(record, str) else None,
        bool(is_newest),
        bool(is_newest) or refused_at is None,
    )


def _owner(state: Transaction, chat: SiteChat) -> str | None:
    rows = state.rows("SELECT record FROM site_chats WHERE account = ? AND chat = ?", chat.account_id, chat.chat_id)
    return rows[0][0] if rows else None


def _drop(state: Transaction, chats: Iterable[SiteChat]) -> list[SiteChat]:
    """Forget chats; return those that no record has, because nobody else will delete them on the site."""
    orphans: list[SiteChat] = []
    for chat in chats:
        key = (chat.account_id, chat.chat_id)
        if state.rows("SELECT 1 FROM site_chats WHERE account = ? AND chat = ? AND record IS NULL", *key):
            orphans.append(chat)
        state.do("DELETE FROM places WHERE account = ? AND chat = ?", *key)
        state.do("DELETE FROM site_chats WHERE account = ? AND chat = ?", *key)
    return orphans
