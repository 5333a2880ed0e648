"""Which account serves the next request: leases, rotation, the queue, and the open tabs.

The relay takes leases from here and gives them back; the registry (disk) says which accounts are usable; the browser
package does the opening. One lock guards the bookkeeping; browsers are opened and closed outside of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from qwenproxy.accounts import standing
from qwenproxy.accounts.registry import Account, Registry
from qwenproxy.accounts.rotation import Rotation
from qwenproxy.accounts.slots import PoolLimits, Slot, Waiter
from qwenproxy.browser.tab import Tab
from qwenproxy.errors import (
    ClientGone,
    NotLoggedIn,
    ProxyError,
    QueueTimeout,
    SetupError,
    TabLost,
)

__all__ = ["AccountPool", "Lease", "PoolLimits"]

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0  # seconds between two looks of a waiting request: accounts come back by the clock
SWEEP_EVERY = 2.0  # seconds between two looks for browsers to close: the command line may be waiting for a profile


class Lease:
    """The right to run one answer on one account, from the pool until close()."""

    def __init__(self, pool: AccountPool, slot: Slot) -> None:
        self._pool = pool
        self._slot = slot
        self._closing = threading.Lock()
        self._closed = False
        self.account_id = slot.id

    @property
    def tab(self) -> Tab:
        """The account's tab, opened now if need be.

        Raises TabLost, NetworkFailed, NotLoggedIn, VerificationRequired, SetupError.
        """
        return self._pool.tab_of(self._slot)

    def close(self) -> None:
        """Give the account back. Idempotent, from any thread."""
        with self._closing:
            closed, self._closed = self._closed, True
        if not closed:
            self._pool.release(self._slot)

    def reject(self, error: ProxyError) -> None:
        """Give the account back and note what the site said of it."""
        tab = self._slot.tab
        try:
            self._pool.note_refusal(self.account_id, error, tab.token if tab else None)
        except (SetupError, OSError) as failure:
            log.error("account=%s its status could not be kept: %s", self.account_id, failure)
        finally:
            self.close()


class AccountPool:
    """All accounts of one server."""

    def __init__(
        self,
        registry: Registry,
        open_tab: Callable[[Account], Tab],
        limits: PoolLimits,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`open_tab` brings up an account's browser; `clock` gives Unix seconds, for WAIT accounts."""
        self.registry = registry
        self._open_tab = open_tab
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: dict[str, Slot] = {}
        self._waiters: deque[Waiter] = deque()
        self._rotation = Rotation(limits)
        self._kind_rests = standing.KindRests()
        self._closed = False
        self._sweep = threading.Event()
        self._janitor = threading.Thread(target=self._sweep_up, name="pool-janitor", daemon=True)
        self._janitor.start()

    def leases(
        self,
        client_gone: Callable[[], bool],
        *,
        prefer: str | None = None,
        takes_turn: bool = True,
        kind: str | None = None,
    ) -> Iterator[Lease]:
        """Yield a lease on one account after the other, each account once, for as long as the caller asks.

        Without `takes_turn` it does not count in the rotation: for calls that answer nobody's request. Accounts that
        rest for work of this `kind` are passed over.
        Waits in the queue where all usable accounts are busy. Ends when every usable account was given out.
        Raises NoAccounts, AccountsResting, VerificationRequired, QueueTimeout, ClientGone.
        """
        tried = self._kind_rests.resting(kind, self._candidates(frozenset()), self._clock())
        while not tried or self._candidates(tried):
            slot = self._wait_for_slot(Waiter(tried, prefer, takes_turn), client_gone)
            if slot is None:
                return
            tried |= {slot.id}
            yield Lease(self, slot)

    def tab_of(self, slot: Slot) -> Tab:
        """Return the slot's open tab, opening it first where there is none (or one with an outdated token)."""
        with slot.opening:
            account = self.registry.get(slot.id)
            if account is None:
                raise NotLoggedIn(f"Account {slot.id} was removed.")
            tab = slot.tab
            # A token that the page renews reaches the registry a moment after the tab: neither is outdated then.
            known = tab is not None and account.token in (tab.token, slot.token)
            if known:
                slot.token = account.token
            if tab and tab.alive and (known or slot.running > 1):
                return tab
            if tab:
                tab.close()
            slot.tab = None
            if self._closed:
                raise TabLost("The server is stopping.")
            if slot.leaving:
                slot.leaving.close()
                slot.leaving = None
            self._close_surplus(slot)
            started = time.monotonic()
            slot.tab = self._open_tab(account)
            slot.token = account.token
            log.info("account=%s browser opened in %.1f s", slot.id, time.monotonic() - started)
            return slot.tab

    def release(self, slot: Slot) -> None:
        """Take back one running answer of the slot and serve whoever waits."""
        with self._lock:
            slot.running -= 1
            slot.idle_since = time.monotonic()
            slot.kept_since = None
            self._dispatch()
        self._sweep.set()

    def note_refusal(self, account_id: str, error: ProxyError, token: str | None = None) -> None:
        """Keep what an error says about the account; `token` is the one the site refused. Raises SetupError."""
        if not self._kind_rests.note(account_id, error, self._clock()):
            standing.note_refusal(self.registry, account_id, error, token, self._clock())

    def running(self) -> int:
        """Return how many leases are out."""
        with self._lock:
            return sum(slot.running for slot in self._slots.values())

    def unavailable(self) -> ProxyError | None:
        """Return why no account can take a request now, None if one can."""
        return standing.why_unavailable(self.registry.all(), self._clock())

    def close(self) -> None:
        """Close every browser; running answers end with TabLost. Idempotent."""
        self._closed = True
        self._sweep.set()
        closers = [threading.Thread(target=_shut, args=(slot,)) for slot in list(self._slots.values())]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join()

    def close_idle(self, idle_for: float) -> None:
        """Close the browsers that served nothing for `idle_for` seconds."""
        before = time.monotonic() - idle_for
        with self._lock:
            idle = [s for s in self._slots.values() if s.has_place and not s.running and s.idle_since <= before]
            taken = self._take_tabs(idle)
        _close_all(taken)

    def _candidates(self, excluded: frozenset[str]) -> list[Account]:
        now = self._clock()
        return [a for a in self.registry.all() if a.id not in excluded and a.status(now) == "OK"]

    def _wait_for_slot(self, waiter: Waiter, client_gone: Callable[[], bool]) -> Slot | None:
        """Return the slot the waiter was given, None when every usable account is one it excludes."""
        deadline = time.monotonic() + self._limits.queue_wait
        with self._lock:
            self._waiters.append(waiter)
            self._dispatch()
        try:
            while not waiter.granted.is_set():
                if not self._candidates(waiter.excluded):
                    if waiter.excluded:
                        break
                    if reason := self.unavailable():
                        raise reason
                if client_gone():
                    raise ClientGone("The client hung up while it waited for an account.")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise QueueTimeout(
                        f"All accounts were busy for {self._limits.queue_wait:.0f} s. "
                        "Try again soon, or add accounts: qwenproxy account add.",
                        retry_after=5,
                    )
                if not waiter.granted.wait(min(left, LOOK_AGAIN)):
                    with self._lock:
                        self._dispatch()
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

    def _dispatch(self) -> None:
        """Serve waiting requests in order of arrival, each with the account whose turn it is."""
        if not self._waiters:
            return
        usable = [self._slot(account.id) for account in self._candidates(frozenset())]
        for waiter in list(self._waiters):
            slot = self._rotation.grant(waiter, usable, self._slots.values(), time.monotonic())
            if slot:
                waiter.slot = slot
                self._waiters.remove(waiter)
                waiter.granted.set()

    def _slot(self, account_id: str) -> Slot:
        return self._slots.setdefault(account_id, Slot(account_id))

    def _close_surplus(self, newcomer: Slot) -> None:
        """Make room for one more browser: close the least recently used ones that are idle."""
        with self._lock:
            held = [s for s in self._slots.values() if s.has_place and s is not newcomer]
            idle = sorted((s for s in held if not s.running), key=lambda s: s.idle_since)
            taken = self._take_tabs(idle[: max(0, len(held) + 1 - self._limits.max_browsers)])
        _close_all(taken)

    def _close_unusable(self) -> None:
        """Close idle browsers of accounts that need their person: the login window needs the profile."""
        with self._lock:
            now = self._clock()
            kept = {a.id for a in self.registry.all() if a.status(now) == "OK" or (not a.invalid and a.reason is None)}
            idle = [s for s in self._slots.values() if s.has_place and not s.running and s.id not in kept]
            taken = self._take_tabs(idle)
        _close_all(taken)

    def _take_tabs(self, slots: list[Slot]) -> list[tuple[Slot, Tab]]:
        taken = [(slot, slot.tab) for slot in slots if slot.tab]
        for slot, tab in taken:
            slot.tab, slot.leaving = None, tab
        for slot in slots:
            slot.has_place = False
        return taken

    def _sweep_up(self) -> None:
        idle = self._limits.idle_browser
        while not self._closed:
            self._sweep.wait(SWEEP_EVERY)
            self._sweep.clear()
            try:
                self._close_unusable()
                if idle:
                    self.close_idle(idle)
            except ProxyError as error:
                log.warning("idle browsers stay open: %s", error.message)


def _shut(slot: Slot) -> None:
    with slot.opening:  # neither a browser that is coming up nor one that is going down is left behind
        tab, slot.tab = slot.tab, None
        if tab:
            tab.close()


def _close_all(taken: list[tuple[Slot, Tab]]) -> None:
    for slot, tab in taken:
        with slot.opening:  # the account's next browser waits until this one has left the profile
            tab.close()
