"""Chats of the site made ahead of need, so that the first word of a new conversation does not wait for its making.

One for each account, for the model that its last new chat had. A file names them, so that after a kill the next start
deletes what was left. Between the relay, which takes and discards chats, and the page seam; knows no requests.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from qwenproxy.browser.page import Page
from qwenproxy.disk import files
from qwenproxy.errors import ProxyError, SetupError
from qwenproxy.upstream import calls
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.places import SiteChat, format_site_chat, parse_site_chat

log = logging.getLogger(__name__)

LONGEST_AGE = 600.0  # seconds until a chat that nobody took is deleted
JOIN_WAIT = 2.0  # seconds that a chat in the making gets when a server stops
PAUSE = 1.0  # seconds between a question and the making of the next chat, because the first word comes first


@dataclass(frozen=True, slots=True)
class _Spare:
    """A chat without a question, for one model; `made_at` is in seconds of the clock."""

    chat: SiteChat
    model: str
    made_at: float


class SpareChats:
    """The chats in stock. Threads may share it; one thread of its own makes, writes down and gives up chats."""

    def __init__(
        self,
        path: Path,
        discard: Callable[[Iterable[SiteChat]], None],
        clock: Callable[[], float] = time.monotonic,
        pause: float = PAUSE,
    ) -> None:
        """`path` is the file, `discard` deletes chats on the site in the background and raises SetupError."""
        self._path = path
        self._discard = discard
        self._clock = clock
        self._pause = pause
        self._changed = threading.Condition()
        self._spares: dict[str, _Spare] = {}
        self._wanted: dict[str, tuple[Page, str]] = {}
        self._has_news = False  # the file lacks what was taken
        self._is_closed = False
        self._worker: threading.Thread | None = None

    def prepare(self) -> None:
        """Delete what an earlier server left in stock. Raises SetupError."""
        rows = files.read_rows(self._path, "chats")
        self._discard([chat for row in rows if (chat := parse_site_chat(row))])
        files.delete(self._path)

    def take(self, account_id: str, model: str) -> SiteChat | None:
        """Return a chat that is the caller's from now on, None if there is none for this account and model."""
        with self._changed:
            spare = self._spares.get(account_id)
            if spare is None or spare.model != model or self._is_old(spare):
                return None
            del self._spares[account_id]
            self._has_news = True
            self._changed.notify_all()
            return spare.chat

    def want(self, account_id: str, page: Page, model: str) -> None:
        """Have a chat made for the next conversation of this account with a model, soon."""
        with self._changed:
            if self._is_closed:
                return
            self._wanted[account_id] = (page, model)
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._work, name="spare-chats", daemon=True)
                self._worker.start()
            self._changed.notify_all()

    def close(self) -> bool:
        """Make no more chats, and delete those in stock; tell whether there were any. Idempotent."""
        with self._changed:
            self._is_closed = True
            self._wanted.clear()
            spares = list(self._spares.values())
            self._spares.clear()
            self._changed.notify_all()
            worker, self._worker = self._worker, None
        if worker:
            worker.join(JOIN_WAIT)
        if not spares and not worker:
            return False
        self._give_up(spares)
        return True

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._wanted or self._has_news, self._time_left())
                self._changed.wait_for(lambda: self._is_closed, self._pause if self._wanted else 0.0)
                if self._is_closed:
                    return
                wanted, self._wanted = self._wanted, {}
                old = [spare for spare in self._spares.values() if self._is_old(spare)]
                for spare in old:
                    del self._spares[spare.chat.account_id]
            for account_id, (page, model) in wanted.items():
                old += self._make(account_id, page, model)
            self._give_up(old)

    def _make(self, account_id: str, page: Page, model: str) -> list[_Spare]:
        """Put a chat in stock, unless one for this model is there; return the one that it takes the place of."""
        with self._changed:
            before = self._spares.get(account_id)
        if before and before.model == model:
            return []
        try:
            chat = SiteChat(account_id, calls.chat_id_from(call(page, calls.new_chat(model))))
        except ProxyError as error:
            log.debug("account=%s no chat made ahead: %s", account_id, error.code)
            return []
        new = _Spare(chat, model, self._clock())
        with self._changed:
            if self._is_closed:
                return [new]
            replaced = self._spares.pop(account_id, None)
            self._spares[account_id] = new
        return [replaced] if replaced else []

    def _give_up(self, spares: list[_Spare]) -> None:
        """Write down what is in stock, and delete these chats."""
        try:
            if spares:
                self._discard([spare.chat for spare in spares])
            self._write()
        except SetupError as error:
            log.warning("chats made ahead are not written down: %s", error.message)

    def _write(self) -> None:
        with self._changed:
            self._has_news = False
            rows = [format_site_chat(spare.chat) for spare in self._spares.values()]
        if rows:
            files.write_atomic(self._path, files.format_json(rows))
        else:
            files.delete(self._path)

    def _is_old(self, spare: _Spare) -> bool:
        return self._clock() - spare.made_at >= LONGEST_AGE

    def _time_left(self) -> float | None:
        """Return the seconds until a chat is too old, None if there is none."""
        ages = [self._clock() - spare.made_at for spare in self._spares.values()]
        return max(LONGEST_AGE - max(ages), 0.0) if ages else None
