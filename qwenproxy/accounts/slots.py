"""What the pool remembers: its limits, one slot per account, one waiter per queued request.

Plain records; the decisions are in pool.py, browsers.py, rotation.py and troubles.py.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field

from qwenproxy.browser.kept_page import KeptPage
from qwenproxy.errors import BrowserError, ProxyError


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How much may run at once, and how long things wait (seconds)."""

    account_concurrency: int = 2
    queue_wait: float = 60.0
    max_browsers: int = 8
    idle_browser: float = 900.0
    turn_wait: float = 5.0


FULL_FOR = 30.0  # seconds: a Grid that was full is believed to be for so long


class Room:
    """How many accounts may have a browser open: as many as set, or fewer while a Grid is known to be full.

    The pool's lock guards it. Moments are in s, monotonic.
    """

    def __init__(self, most: int) -> None:
        """`most` is what the settings allow."""
        self._most = most
        self._fewer = most
        self._full_until = -math.inf

    @property
    def places(self) -> int:
        """How many browsers may be open now."""
        return self._fewer if time.monotonic() < self._full_until else self._most

    def note_full(self, open_now: int) -> None:
        """Note that there is room for no more than so many, at least one, for a while."""
        self._fewer = min(open_now, self._most)
        self._full_until = time.monotonic() + FULL_FOR


UNRENEWED_OFTEN = 3  # refused logins that a page does not renew, until the account counts as logged out
UNRENEWED_SPELL = 600.0  # seconds within which they count


@dataclass(slots=True)
class Starts:
    """How the last starts of an account's browser went. Moments are in s, monotonic."""

    failure: ProxyError | None = None  # of the last start
    failed_at: float = 0.0
    rested_for: float = 0.0  # the moment of the last failure that set the account aside
    failures: int = 0  # in a row; each counts once it sets the account aside

    def fail(self, error: ProxyError) -> None:
        """Note that a start failed just now."""
        self.failure, self.failed_at = error, time.monotonic()

    def succeed(self) -> None:
        """Note that the browser started."""
        self.failure, self.failures = None, 0

    @property
    def is_unrested(self) -> bool:
        """Whether the account is not yet set aside for the last failure."""
        return self.failed_at != self.rested_for

    @property
    def is_failing(self) -> bool:
        """Whether the browser failed to start just now, and the account is not yet set aside for that."""
        return isinstance(self.failure, BrowserError) and self.is_unrested


@dataclass(slots=True)
class Renewals:
    """Refused logins that an account's page did not renew, in a spell."""

    failures: int = 0
    failed_at: float = -math.inf  # the last one (s since 1970)

    def fail(self, now: float) -> bool:
        """Count one more; return whether the account now counts as logged out."""
        self.failures = self.failures + 1 if now - self.failed_at < UNRENEWED_SPELL else 1
        self.failed_at = now
        return self.failures >= UNRENEWED_OFTEN


@dataclass(eq=False, slots=True)
class Slot:
    """What the pool knows of one account.

    The pool's lock guards all fields but these. `opening` guards `token` and `outdated_since`. `page` and `leaving`
    change under `opening` while the account serves a request or is shut, under the pool's lock while it is idle; both
    are read without a lock. `starts` changes under `opening`, what counts its failures also under the lock in Troubles.
    """

    id: str
    running: int = 0
    turns: int = 0  # requests it got; raised after a long absence
    served: int = 0  # the number of its last request among all
    kept_since: float | None = None  # since when requests wait for this account (s, monotonic); None once it has room
    page: KeptPage | None = None
    token: str = field(default="", repr=False)  # the account's, when a request last got the page
    leaving: KeptPage | None = None  # is being closed: it may still hold the profile
    idle_since: float = 0.0
    has_place: bool = False  # counts among the open browsers
    reserved: threading.Event | None = None  # present while set aside for a person; set once nothing runs
    opening: threading.Lock = field(default_factory=threading.Lock)
    outdated_since: float | None = None  # when a request saw that its page has other settings than now (s, monotonic)
    starts: Starts = field(default_factory=Starts)
    renewals: Renewals = field(default_factory=Renewals)

    @property
    def is_opening(self) -> bool:
        """Whether its browser is starting for a request."""
        return self.running > 0 and self.page is None


@dataclass(eq=False, slots=True)
class Waiter:
    """A request in the queue. `news` is set when it gets a slot, or should look again."""

    excluded: frozenset[str]
    prefer: str | None
    takes_turn: bool = True  # whether it counts in the rotation
    only: str | None = None  # the one account that will do
    news: threading.Event = field(default_factory=threading.Event)
    slot: Slot | None = None

    def may_get(self, account_id: str) -> bool:
        """Tell whether an account will do, busy or not."""
        return account_id not in self.excluded and self.only in (None, account_id)
