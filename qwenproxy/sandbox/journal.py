"""What happened at the sandbox, and how another thread waits for it.

Written by the server's thread, read by tests. One condition guards and announces everything a test may wait for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

_MAX_ENTRIES = 10_000  # a soak test must not fill the memory

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request that reached the sandbox. Header names are in lower case; `when` is in seconds since 1970."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    account_id: str | None
    when: float


@dataclass(frozen=True, slots=True)
class Refresh:
    """A use of a refresh token. `outcome` is ok, refused or second_use; `when` is by the site's clock.

    `from_page`: it was a fetch in a page of the chat; `by_page_script`: by the page's own script and by no other.
    """

    account_id: str | None
    when: float
    outcome: str
    from_page: bool
    by_page_script: bool


class Journal:
    """The recorded requests, and a condition that is notified of every change."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._requests: deque[Recorded] = deque(maxlen=_MAX_ENTRIES)
        self._refreshes: deque[Refresh] = deque(maxlen=_MAX_ENTRIES)
        self._peers: set[int] = set()

    @property
    def requests(self) -> list[Recorded]:
        """All requests since the start or the last clear(), oldest first."""
        with self.changed:
            return list(self._requests)

    @property
    def refreshes(self) -> list[Refresh]:
        """All uses of refresh tokens since the start or the last clear(), oldest first."""
        with self.changed:
            return list(self._refreshes)

    @property
    def peers(self) -> frozenset[int]:
        """The ports of all clients since the start or the last clear()."""
        with self.changed:
            return frozenset(self._peers)

    def record_peer(self, port: int) -> None:
        """Add the port of a client."""
        with self.changed:
            self._peers.add(port)

    def record(self, request: Recorded) -> None:
        """Add a request."""
        with self.changed:
            self._requests.append(request)
            self.changed.notify_all()

    def record_refresh(self, refresh: Refresh) -> None:
        """Add a use of a refresh token."""
        with self.changed:
            self._refreshes.append(refresh)
            self.changed.notify_all()

    def clear(self) -> None:
        """Forget all requests, refreshes and clients."""
        with self.changed:
            self._peers.clear()
            self._requests.clear()
            self._refreshes.clear()
            self.changed.notify_all()

    def wait_for(self, predicate: Callable[[], T], wait: float) -> T:
        """Return the value of `predicate` as soon as it is true. Raises TimeoutError after `wait` seconds."""
        with self.changed:
            outcome = self.changed.wait_for(predicate, wait)
        if not outcome:
            raise TimeoutError(f"the sandbox did not get there within {wait} s")
        return outcome
