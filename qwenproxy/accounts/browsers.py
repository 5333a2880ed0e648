"""The pool's browsers: opened when a request needs one, shared by all requests of an account, closed to make room.

Works for pool.py, on its slots and under its lock; opens and closes outside of the lock. Knows no requests and no
queue.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from qwenproxy.accounts import standing
from qwenproxy.accounts.registry import Account, Registry
from qwenproxy.accounts.slots import PoolLimits, Room, Slot
from qwenproxy.browser.kept_page import KeptPage
from qwenproxy.chat.waiting import ClientGoneCheck, unless_gone
from qwenproxy.errors import GridFull, NotLoggedIn, ProxyError, TabLost
from qwenproxy.observe import journal

log = logging.getLogger(__name__)

OUTDATED_WAIT = 20.0  # seconds that answers under way get when the account's settings change


class Browsers:
    """The open browsers of one pool."""

    def __init__(
        self,
        registry: Registry,
        open_page: Callable[[Account], KeptPage],
        limits: PoolLimits,
        slots: dict[str, Slot],
        clock: Callable[[], float],
    ) -> None:
        """`open_page` brings up an account's browser; `clock` gives Unix seconds, for accounts that are set aside.

        The pool fills `slots` and decides over them; `lock` guards them and `room` for both.
        """
        self._registry = registry
        self._open_page = open_page
        self.room = Room(limits.max_browsers)
        self._slots = slots
        self.lock = threading.Lock()
        self._clock = clock
        self._is_closed = False

    def page_of(self, slot: Slot, client_gone: ClientGoneCheck) -> KeptPage:
        """Return the slot's page, fit for use; open it first if there is none, or one with an outdated token.

        Requests that waited for an opening that failed get the same error, so that only one pays for it.
        Raises ClientGone as soon as the client leaves; the opening goes on.
        """
        asked_at = time.monotonic()
        if slot.opening.acquire(blocking=False):
            try:
                page = self._ready(slot)
            finally:
                slot.opening.release()
            if page:
                return page
        return unless_gone(lambda: self._make_ready(slot, asked_at), client_gone, f"page-open-{slot.id}")

    def _ready(self, slot: Slot) -> KeptPage | None:
        """Return the slot's page if it can be used at once. Call it with `slot.opening` held."""
        page, account = slot.page, self._account(slot)
        # A renewed token reaches the registry a moment after the page: until then both tokens are current.
        is_current = page is not None and account.token in (page.token, slot.token)
        if is_current:
            slot.token = account.token
        is_fit = page is not None and page.alive and page.is_fit and self._may_go_on(slot, page)
        return page if is_fit and (is_current or slot.running > 1) else None

    def _may_go_on(self, slot: Slot, page: KeptPage) -> bool:
        """Tell whether a request may use a page although its account may have other settings by now.

        While other answers run it may, for OUTDATED_WAIT: a new browser would cut them. `slot.opening` is held.
        """
        if page.is_current:
            slot.outdated_since = None
            return True
        slot.outdated_since = slot.outdated_since or time.monotonic()
        return slot.running > 1 and time.monotonic() - slot.outdated_since < OUTDATED_WAIT

    def _make_ready(self, slot: Slot, asked_at: float) -> KeptPage:
        with slot.opening:
            if page := self._ready(slot):
                return page
            # Read this before the account, because an account is set aside on the disk first, then in the slot.
            has_just_failed = slot.starts.failed_at >= asked_at or slot.starts.is_failing
            account = self._account(slot)
            page = slot.page
            has_token = page is not None and account.token in (page.token, slot.token)
            if page and page.alive and has_token and self._may_go_on(slot, page):
                page.make_fit()
                return page
            # The pool may have granted the account just before it was set aside.
            failure = slot.starts.failure
            if failure and (has_just_failed or standing.is_set_aside(account, self._clock())):
                raise failure
            return self._open(slot, account)

    def _account(self, slot: Slot) -> Account:
        account = self._registry.get(slot.id)
        if account is None:
            raise NotLoggedIn(f"Account {slot.id} was removed.")
        return account

    def close_idle(self, idle_for: float) -> None:
        """Close the browsers that served nothing for `idle_for` seconds."""
        before = time.monotonic() - idle_for
        with self.lock:
            idle = [s for s in self._slots.values() if s.has_place and not s.running and s.idle_since <= before]
            pages = self._take_pages(idle)
        _close_all(pages)

    def close_all_but(self, account_ids: frozenset[str]) -> None:
        """Close the idle browsers of all accounts but these."""
        with self.lock:
            idle = [s for s in self._slots.values() if s.has_place and not s.running and s.id not in account_ids]
            pages = self._take_pages(idle)
        _close_all(pages)

    def close_ended(self) -> None:
        """Forget idle browsers that ended by themselves or never started; a running request keeps its own.

        Close those whose account has other settings by now.
        """
        with self.lock:
            idle = [(slot, slot.page) for slot in self._slots.values() if slot.has_place and not slot.running]
        dead = [(slot, page) for slot, page in idle if page is None or not page.alive or not page.is_current]
        with self.lock:
            pages = self._take_pages([slot for slot, page in dead if slot.page is page and not slot.running])
        for slot, page in pages:
            if not self._is_closed and not page.alive and not page.given_up:
                journal.note(journal.BrowserEnded(slot.id))
        _close_all(pages)

    def close_reserved(self, slot: Slot) -> None:
        """Close the browser of a slot that is set aside; running answers end with TabLost."""
        _shut(slot)
        with self.lock:
            slot.has_place = False

    def open_accounts(self) -> tuple[str, ...]:
        """Return the ids of the accounts whose browsers are open."""
        with self.lock:
            pages = [(slot.id, slot.page) for slot in self._slots.values() if slot.page]
        return tuple(account_id for account_id, page in pages if page.alive)

    def close(self) -> None:
        """Close every browser; running answers end with TabLost. Idempotent."""
        self._is_closed = True
        closers = [threading.Thread(target=_shut, args=(slot,)) for slot in list(self._slots.values())]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join()

    def _open(self, slot: Slot, account: Account) -> KeptPage:
        page = slot.page
        if page:
            page.close()
        slot.page = None
        if self._is_closed:
            raise TabLost("The server is stopping.")
        if slot.reserved:
            raise TabLost("The account was set aside for its person.")
        if slot.leaving:
            slot.leaving.close()
            slot.leaving = None
        self._close_surplus(slot)
        started_at = time.monotonic()
        try:
            page = self._open_with_room(slot, account)
        except ProxyError as error:
            slot.starts.fail(error)
            raise
        slot.page, slot.token = page, account.token
        slot.starts.succeed()
        journal.note(journal.BrowserOpened(slot.id, time.monotonic() - started_at))
        return page

    def _open_with_room(self, slot: Slot, account: Account) -> KeptPage:
        """Open the account's page; where a Grid is full, in place of the idle browser that served longest ago."""
        try:
            return self._open_page(account)
        except GridFull as error:
            with self.lock:
                others = [s for s in self._slots.values() if s.page and s is not slot]
                if others:  # else all slots are somebody else's, and any may become free
                    self.room.note_full(len(others))
            if all(other.running for other in others):
                raise
            log.info("account=%s an idle browser makes room: %s", slot.id, error.message)
        self._close_surplus(slot)
        return self._open_page(account)

    def _close_surplus(self, newcomer: Slot) -> None:
        """Make room for one more browser: close the least recently used ones that are idle."""
        with self.lock:
            others = [s for s in self._slots.values() if s.has_place and s is not newcomer]
            idle = sorted((s for s in others if not s.running), key=lambda s: s.idle_since)
            pages = self._take_pages(idle[: max(0, len(others) + 1 - self.room.places)])
        _close_all(pages)

    def _take_pages(self, slots: list[Slot]) -> list[tuple[Slot, KeptPage]]:
        pages = [(slot, slot.page) for slot in slots if slot.page]
        for slot, page in pages:
            slot.page, slot.leaving = None, page
        for slot in slots:
            slot.has_place = False
        return pages


def _shut(slot: Slot) -> None:
    if current := slot.page:
        current.close()  # even while a request waits until it is loaded anew
    with slot.opening:  # wait for a browser that is starting or ending: none may stay behind
        pages = (slot.page, slot.leaving)
        slot.page = slot.leaving = None
        for page in pages:
            if page:
                page.close()


def _close_all(pages: list[tuple[Slot, KeptPage]]) -> None:
    for slot, page in pages:
        with slot.opening:  # the account's next browser waits until this one has left the profile
            page.close()
