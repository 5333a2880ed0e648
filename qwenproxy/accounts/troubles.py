"""Keeps what an error says about an account: on disk, or in its slot if it counts only when it happens again.

Works for pool.py, on its slots and under its lock; standing.py has the rules of what is written. Knows no leases and no
queue.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from qwenproxy.accounts import standing
from qwenproxy.accounts.registry import Registry
from qwenproxy.accounts.slots import Slot
from qwenproxy.errors import BrowserError, LoginUnrenewed, NotLoggedIn, ProxyError


class Troubles:
    """The troubles of one pool's accounts."""

    def __init__(self, registry: Registry, lock: threading.Lock, clock: Callable[[], float]) -> None:
        """`lock` guards the slots; `clock` gives Unix seconds."""
        self._registry = registry
        self._lock = lock
        self._clock = clock
        self._noting = threading.Lock()  # around the notes on browsers that do not start

    def note(self, slot: Slot, error: ProxyError, token: str | None) -> None:
        """Keep what an error says about the slot's account; `token` is the one the site refused. Raises SetupError."""
        if isinstance(error, BrowserError):
            self._note_browser(slot, error)
        elif isinstance(error, LoginUnrenewed):
            self._note_no_renewal(slot, error, token)
        else:
            standing.note_refusal(self._registry, slot.id, error, token, self._clock())

    def _note_browser(self, slot: Slot, error: BrowserError) -> None:
        """Let the account rest, once for a failure that several requests met; the others wait until it is written."""
        starts = slot.starts
        with self._noting:
            if starts.is_unrested:
                starts.failures += 1
                error.retry_after = standing.browser_rest(starts.failures)
                try:
                    standing.rest_for_browser(self._registry, slot.id, error, self._clock())
                finally:
                    starts.rested_for = starts.failed_at

    def _note_no_renewal(self, slot: Slot, error: LoginUnrenewed, token: str | None) -> None:
        """Let the account rest a little; mark it as logged out if that happens again and again."""
        now = self._clock()
        with self._lock:
            is_logged_out = slot.renewals.fail(now)
        if is_logged_out:
            standing.note_refusal(self._registry, slot.id, NotLoggedIn(error.message), token, now)
        else:
            standing.rest_for_renewal(self._registry, slot.id, error, now)
