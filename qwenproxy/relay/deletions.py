"""Deletes chats of the site that no kept chat needs any more, in the background and across restarts.

The relay hands in chats that this proxy made; a small journal keeps them until the site has deleted them. Works only
through tabs that requests opened anyway, so a deletion never starts a browser. Knows the page seam and the registry;
knows neither requests nor kept chats.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from qwenproxy.accounts.registry import Account, Registry
from qwenproxy.browser.page import Page
from qwenproxy.disk import files
from qwenproxy.disk.cached import CachedFile
from qwenproxy.disk.locks import PathLock
from qwenproxy.errors import ChatGone, NetworkFailed, ProxyError, Refusal, SetupError, TabLost
from qwenproxy.upstream import calls
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.places import SiteChat, format_site_chat, parse_site_chat

log = logging.getLogger(__name__)

ATTEMPTS = 10  # tries to delete one chat before we give up
BATCH = 50  # deletions between two writes of the journal: after a crash we repeat at most these
PACE = 0.1  # seconds between two deletions: bursts bring up the site's human check (protocol 10)
RETRY_PAUSES = (1.0, 10.0, 60.0)  # seconds before failed deletions are tried again, while the tab stays open

P = TypeVar("P", bound=Page)


@dataclass(frozen=True, slots=True)
class Entry:
    """A chat to delete, and how many tries failed."""

    chat: SiteChat
    attempts: int = 0


class UpstreamDeletions:
    """The chats that are still to delete, and the worker that deletes them while it can."""

    def __init__(self, path: Path, registry: Registry, clock: Callable[[], float] = time.time) -> None:
        """`path` is the journal's."""
        self._path = path
        self._lock = PathLock(self._path)
        self._journal = CachedFile(self._path, self._load)  # under the lock: a burst adds to hundreds that wait
        self._registry = registry
        self._clock = clock
        self._mutex = threading.Lock()
        self._tabs: dict[str, Page] = {}
        self._worker: threading.Thread | None = None
        self._news = threading.Event()

    @classmethod
    def open(cls, path: Path, registry: Registry, clock: Callable[[], float] = time.time) -> UpstreamDeletions:
        """Return the chats of a journal, cleared of what a crash left of an interrupted write. Raises SetupError."""
        deletions = cls(path, registry, clock)
        deletions.prepare()
        return deletions

    def prepare(self) -> None:
        """Create the folder if need be and clear what a crash left of an interrupted write. Raises SetupError."""
        files.ensure_folder(self._path.parent)
        with self._lock:
            files.sweep(self._path.parent, self._path.name)

    def add(self, chats: Iterable[SiteChat]) -> None:
        """Write the chats down and delete them as soon as their accounts' tabs allow. Raises SetupError."""
        new = dict.fromkeys(chats)
        if not new:
            return
        with self._lock:
            entries = self._read()
            old_chats = {entry.chat for entry in entries}
            self._write((*entries, *(Entry(chat) for chat in new if chat not in old_chats)))
        self._work_off()

    def note_deleted(self, chats: Iterable[SiteChat]) -> None:
        """Strike chats off that somebody else has deleted. Raises SetupError."""
        self._note(set(chats), ())

    def watch(self, open_tab: Callable[[Account], P]) -> Callable[[Account], P]:
        """Return a form of `open_tab` whose tabs serve the account's deletions, too."""

        def open_and_work_off(account: Account) -> P:
            tab = open_tab(account)
            with self._mutex:
                self._tabs[account.id] = tab
            try:
                self._work_off()
            except SetupError as error:
                log.warning("account=%s no upstream chats deleted: %s", account.id, error.message)
            return tab

        return open_and_work_off

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is being deleted; return False if that takes longer than `timeout` (s)."""
        with self._mutex:
            worker = self._worker
        if worker:
            worker.join(timeout)
        return worker is None or not worker.is_alive()

    def _work_off(self) -> None:
        """Let the one worker delete what it can now; it ends when it is done. Raises SetupError."""
        if not self._due():
            return
        self._news.set()
        with self._mutex:
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._work, name="upstream-deletions", daemon=True)
                self._worker.start()

    def _work(self) -> None:
        pauses = iter(RETRY_PAUSES)
        while True:
            self._news.clear()
            pause = next(pauses, None) if self._work_through() else None
            if pause is not None:
                self._news.wait(pause)
                continue
            with self._mutex:
                if not self._news.is_set():
                    self._worker = None
                    return

    def _work_through(self) -> bool:
        """Ask the site to delete all that is due; return whether another try soon is worth it."""
        try:
            due = self._due()
            outcomes = [self._delete_batch(due[start : start + BATCH]) for start in range(0, len(due), BATCH)]
            return any(outcomes)
        except SetupError as error:
            log.warning("the deletion of upstream chats is not written down: %s", error.message)
            return False

    def _due(self) -> list[SiteChat]:
        """Return the chats that can be deleted now: their account is usable and has an open tab."""
        now = self._clock()
        usable = {account.id for account in self._registry.all() if account.status(now) == "OK"}
        with self._mutex:
            usable &= self._tabs.keys()
        return [entry.chat for entry in self._read() if entry.chat.account_id in usable]

    def _delete_batch(self, batch: list[SiteChat]) -> bool:
        successes: set[SiteChat] = set()
        failures: set[SiteChat] = set()
        unusable: set[str] = set()  # accounts that cannot go on for now
        for chat in batch:
            if chat.account_id in unusable:
                continue
            try:
                self._delete(chat)
                successes.add(chat)
            except (Refusal, TabLost, NetworkFailed) as error:
                # None of these concerns the chat: the next tab, or the next deletion, tries again.
                log.info("account=%s deletion of upstream chats put off: %s", chat.account_id, error.message)
                unusable.add(chat.account_id)
            except ProxyError as error:
                log.info("account=%s upstream chat %s not deleted: %s", chat.account_id, chat.chat_id, error.message)
                failures.add(chat)
            time.sleep(PACE)
        self._note(successes, failures)
        return bool(failures)

    def _delete(self, chat: SiteChat) -> None:
        """Delete one chat. Raises the site's objection, TabLost."""
        with self._mutex:
            tab = self._tabs.get(chat.account_id)
        if tab is None:
            raise TabLost("The account's tab is closed.")
        try:
            call(tab, calls.delete_chat(chat.chat_id))
        except ChatGone:
            return
        except TabLost:
            with self._mutex:
                if self._tabs.get(chat.account_id) is tab:
                    del self._tabs[chat.account_id]
            raise

    def _note(self, successes: Collection[SiteChat], failures: Collection[SiteChat]) -> None:
        if not successes and not failures:
            return
        with self._lock:
            rest = []
            for entry in self._read():
                attempts = entry.attempts + (entry.chat in failures)
                if entry.chat in successes:
                    continue
                if attempts < ATTEMPTS:
                    rest.append(replace(entry, attempts=attempts))
                else:
                    log.warning("account=%s upstream chat %s stays", entry.chat.account_id, entry.chat.chat_id)
            self._write(tuple(rest))
        if successes:
            log.info("upstream chats deleted: %d", len(successes))

    def _read(self) -> tuple[Entry, ...]:
        with self._lock:
            return self._journal.get()

    def _load(self) -> tuple[Entry, ...]:
        rows = files.read_rows(self._path, "chats")
        return tuple(entry for row in rows if (entry := _parse_entry(row)))

    def _write(self, entries: tuple[Entry, ...]) -> None:
        rows = [{**format_site_chat(entry.chat), "attempts": entry.attempts} for entry in entries]
        files.write_atomic(self._path, files.format_json(rows))
        self._journal.put(entries)


def _parse_entry(row: Any) -> Entry | None:
    chat = parse_site_chat(row)
    if chat is None:
        return None
    attempts = row.get("attempts")
    return Entry(chat, attempts if type(attempts) is int and attempts > 0 else 0)
