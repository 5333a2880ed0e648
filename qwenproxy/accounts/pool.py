"""Which account serves the next request: leases, rotation and the queue.

The relay takes leases from here and gives them back; the registry (disk) says which accounts are usable; browsers.py
opens and closes their browsers. One lock guards the bookkeeping; nothing under it touches the disk or waits for a
browser.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from qwenproxy.accounts import standing
from qwenproxy.accounts.browsers import Browsers
from qwenproxy.accounts.janitor import Janitor
from qwenproxy.accounts.kind_rests import KindRests
from qwenproxy.accounts.lease import Lease
from qwenproxy.accounts.registry import Account, Registry
from qwenproxy.accounts.reservation import Reservation
from qwenproxy.accounts.rotation import Rotation
from qwenproxy.accounts.slots import PoolLimits, Slot, Waiter
from qwenproxy.accounts.troubles import Troubles
from qwenproxy.browser.kept_page import KeptPage
from qwenproxy.chat.waiting import ClientGoneCheck, check_client, never_gone
from qwenproxy.errors import NoAccounts, ProxyError, QueueTimeout, SetupError
from qwenproxy.texts import Phrase

__all__ = ["AccountPool", "Lease", "PoolLimits", "Reservation"]

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0  # seconds between two looks of a waiting request: accounts come back by the clock
ANSWERS_WAIT = 20.0  # seconds that running answers get when their account is set aside for a person


class AccountPool:
    """All accounts of one server."""

    def __init__(
        self,
        registry: Registry,
        open_page: Callable[[Account], KeptPage],
        limits: PoolLimits,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`open_page` brings up an account's browser; `clock` gives Unix seconds, for WAIT accounts."""
        self.registry = registry
        self._limits = limits
        self._clock = clock
        self._slots: dict[str, Slot] = {}
        self._waiters: deque[Waiter] = deque()
        self._browsers = Browsers(registry, open_page, limits, self._slots, clock)
        self._rotation = Rotation(limits, self._browsers.room)
        self._lock = self._browsers.lock
        self._troubles = Troubles(registry, self._lock, clock)
        self._kind_rests = KindRests(registry.folder)
        self._is_needed = False  # whether a request came since the last try of a failed browser
        self._janitor = Janitor(self.sweep)

    def start(self) -> None:
        """Begin to close browsers that nobody needs, until `close`."""
        self._janitor.start()

    def leases(
        self,
        client_gone: ClientGoneCheck,
        *,
        prefer: str | None = None,
        takes_turn: bool = True,
        kinds: Sequence[str] = (),
        only: str | None = None,
    ) -> Iterator[Lease]:
        """Yield a lease on one account after the other, each account once, for as long as the caller asks.

        Without `takes_turn` it does not count in the rotation. Accounts that rest for work of one of these `kinds` are
        skipped; so are all but `only`. Waits while all usable accounts are busy. Ends when each was given out.
        Raises NoAccounts, AccountsResting, VerificationRequired, BrowserError, QueueTimeout, ClientGone.
        """
        self._is_needed |= takes_turn
        skip = self._kind_rests.resting(kinds, self._usable(), self._clock()) if kinds else frozenset()
        while not skip or ({only} if only else set(self._usable())) - skip:
            slot = self._wait_for_slot(Waiter(skip, prefer, takes_turn, only), client_gone)
            if slot is None:
                return
            skip |= {slot.id}
            yield Lease(self, slot, client_gone)

    def foresee(self, prefer: str | None = None, kinds: Sequence[str] = ()) -> tuple[str, bool]:
        """Return the account that a request would get, and if it had to wait. Changes nothing; raises as `leases`."""
        usable = self._usable()
        skip = self._kind_rests.resting(kinds, usable, self._clock()) if kinds else frozenset()
        with self._lock:
            slots = [self._slots.get(account_id) or Slot(account_id) for account_id in usable]
            choice = self._rotation.foresee(Waiter(skip, prefer), slots, self._slots.values())
        if choice is None:
            raise self.unavailable() or NoAccounts("No account can take the request now.")
        return choice

    def page_of(self, slot: Slot, client_gone: ClientGoneCheck = never_gone) -> KeptPage:
        """Return the slot's page, fit for use; open it first if there is none. Raises as `Lease.open`."""
        try:
            return self._browsers.page_of(slot, client_gone)
        finally:
            self._look_again()  # requests that avoided this opening can use the browser now, or have to look elsewhere

    def release(self, slot: Slot) -> None:
        """End one running answer of the slot, and let waiting requests look again."""
        with self._lock:
            slot.running -= 1
            slot.idle_since = time.monotonic()
            slot.kept_since = None
            if slot.reserved and not slot.running:
                slot.reserved.set()
        self._look_again()
        self._janitor.wake()

    def reserve(self, account_id: str, answers_wait: float = ANSWERS_WAIT) -> Reservation:
        """Set an account aside for a person; return once its browser is closed.

        No request gets it until the reservation is closed. Answers under way get `answers_wait` seconds, then they end
        with TabLost. Raises SetupError if the account is set aside already.
        """
        slot = self._slot(account_id)
        with self._lock:
            if slot.reserved:
                raise SetupError(Phrase("account_reserved", id=account_id))
            slot.reserved = idle = threading.Event()
            if not slot.running:
                idle.set()
        reservation = Reservation(account_id, lambda: self._unreserve(slot))
        try:
            idle.wait(answers_wait)
            self._browsers.close_reserved(slot)
        except BaseException:
            reservation.close()
            raise
        return reservation

    def _unreserve(self, slot: Slot) -> None:
        with self._lock:
            slot.reserved = None
        self._look_again()

    def open_browsers(self) -> tuple[str, ...]:
        """Return the accounts whose browsers are open."""
        return self._browsers.open_accounts()

    def note_refusal(self, account_id: str, error: ProxyError, token: str | None = None) -> None:
        """Keep what an error says about the account; `token` is the one the site refused. Raises SetupError."""
        if self._kind_rests.note(account_id, error, self._clock()):
            return
        self._troubles.note(self._slot(account_id), error, token)

    def kinds_resting(self, account_id: str | None = None) -> dict[str, float]:
        """Return until when (s since 1970) an account may not do kinds of work; None: those that no account may do."""
        return self._kind_rests.everywhere([account_id] if account_id else self._usable(), self._clock())

    def running(self) -> int:
        """Return how many leases are out."""
        return sum(self.load()[0].values())

    def load(self) -> tuple[dict[str, int], int]:
        """Return how many leases are out on each account, and how many requests wait for one."""
        with self._lock:
            return {slot.id: slot.running for slot in self._slots.values()}, len(self._waiters)

    def unavailable(self, kinds: Sequence[str] = ()) -> ProxyError | None:
        """Return why no account can take a request for these `kinds` of work now, None if one can."""
        reason = standing.why_unavailable(self.registry.all(), self._clock())
        return reason or (self._kind_rests.why_none(kinds, self._usable(), self._clock()) if kinds else None)

    def close(self) -> None:
        """Close every browser; running answers end with TabLost. Idempotent."""
        self._janitor.close()
        self._browsers.close()

    def close_idle(self, idle_for: float) -> None:
        """Close the browsers that served nothing for `idle_for` seconds."""
        self._browsers.close_idle(idle_for)

    def sweep(self) -> None:
        """Do one round of the janitor: close browsers that should not be open, try those that failed to start."""
        self._browsers.close_ended()
        self._close_unusable()
        self._retry_browser()
        if self._limits.idle_browser:
            self.close_idle(self._limits.idle_browser)

    def _slot(self, account_id: str) -> Slot:
        with self._lock:
            return self._slots.setdefault(account_id, Slot(account_id))

    def _usable(self) -> list[str]:
        """Return the ids of the accounts that are OK, as the disk has them now.

        An account whose browser failed to start counts only if there is no other: the janitor tries it again.
        """
        ok = self._ok_accounts()
        with self._lock:
            ids = [each for each in ok if each not in self._slots or not self._slots[each].reserved]
            return [each for each in ids if not self._has_failed(each)] or ids

    def _ok_accounts(self) -> list[str]:
        return [account.id for account in self.registry.all() if account.status(self._clock()) == "OK"]

    def _has_failed(self, account_id: str) -> bool:
        return account_id in self._slots and self._slots[account_id].starts.failures > 0

    def _wait_for_slot(self, waiter: Waiter, client_gone: ClientGoneCheck) -> Slot | None:
        """Return the slot that the waiter gets, None when it excludes every usable account."""
        deadline = time.monotonic() + self._limits.queue_wait
        with self._lock:
            self._waiters.append(waiter)
        try:
            while True:
                usable = self._usable()
                self._dispatch(usable)
                if waiter.slot:
                    break
                if not any(map(waiter.may_get, usable)):
                    if waiter.excluded:
                        break
                    if reason := self.unavailable():
                        raise reason
                    if waiter.only:
                        break
                check_client(client_gone, "The client hung up while it waited for an account.")
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise QueueTimeout(
                        f"All accounts were busy for {self._limits.queue_wait:.0f} s. "
                        "Try again soon, or add accounts: qwenproxy account add.",
                        retry_after=5,
                    )
                waiter.news.wait(min(remaining, LOOK_AGAIN))
                waiter.news.clear()
        except ProxyError:
            self._leave_queue(waiter)
            if waiter.slot is None:
                raise
        self._leave_queue(waiter)
        return waiter.slot

    def _leave_queue(self, waiter: Waiter) -> None:
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        self._look_again()  # its news may concern others, too

    def _look_again(self) -> None:
        """Wake the first waiter: it dispatches for all others, too."""
        with self._lock:
            if self._waiters:
                self._waiters[0].news.set()

    def _dispatch(self, usable: list[str]) -> None:
        """Serve waiting requests in order of arrival, each with the account whose turn it is."""
        with self._lock:
            slots = [self._slots.setdefault(account_id, Slot(account_id)) for account_id in usable]
            candidates = [slot for slot in slots if not slot.reserved]
            for waiter in list(self._waiters):
                slot = self._rotation.grant(waiter, candidates, self._slots.values(), time.monotonic())
                if slot:
                    waiter.slot = slot
                    self._waiters.remove(waiter)
                    waiter.news.set()

    def _retry_browser(self) -> None:
        """Start one failed browser again in the background, so that no request has to; only while requests come."""
        if not self._is_needed:
            return
        ok = self._ok_accounts()
        with self._lock:
            slots = [self._slots[each] for each in ok if self._has_failed(each) and not self._slots[each].running]
            free = [slot for slot in slots if not slot.reserved]
            if not free or len(slots) == len(ok):
                return
            slot, self._is_needed = free[0], False
            slot.running, slot.has_place = slot.running + 1, True
        threading.Thread(target=self._try, args=(slot,), name=f"try-{slot.id}", daemon=True).start()

    def _try(self, slot: Slot) -> None:
        lease = Lease(self, slot)
        log.info("account=%s its browser is tried once more", slot.id)
        try:
            self.page_of(slot)
        except ProxyError as error:
            lease.reject(error)
        finally:
            lease.close()

    def _close_unusable(self) -> None:
        """Close idle browsers of accounts that need their person: the login window needs the profile."""
        now = self._clock()
        usable = {a.id for a in self.registry.all() if a.status(now) == "OK" or (not a.invalid and a.reason is None)}
        self._browsers.close_all_but(frozenset(usable))
