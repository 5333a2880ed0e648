"""What the pool keeps in mind: its limits, one slot per account, one waiter per queued request.

Plain records; the decisions are in pool.py, browsers.py and rotation.py.
"""

from __future__ import annotations

import math
import threading
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


@dataclass(eq=False, slots=True)
class Slot:
    """What the pool knows of one account.

    All fields are guarded by the pool's lock, but for `opening` itself and what it guards: `token` and the failures.
    """

    id: str
    running: int = 0
    turns: int = 0  # requests it got, lifted where it was away for long
    served: int = 0  # which request of all was its last
    kept_since: float | None = None  # since when others wait for this account (s, monotonic); None once it has room
    page: KeptPage | None = None
    token: str = field(default="", repr=False)  # of the account, when the page was last given out
    leaving: KeptPage | None = None  # was taken away to be closed: it may still hold the profile
    idle_since: float = 0.0
    has_place: bool = False  # counts among the open browsers
    opening: threading.Lock = field(default_factory=threading.Lock)
    failure: ProxyError | None = None  # of the last opening
    failed_at: float = 0.0  # s, monotonic
    failures: int = 0  # browsers that did not start, in a row
    unrenewed: int = 0  # refused logins that the page did not renew, in a spell
    unrenewed_at: float = -math.inf  # when that happened last (s since 1970)
    rested_for: float = 0.0  # the failure for which the account was set aside last

    @property
    def is_failing(self) -> bool:
        """Whether its browser has just failed to start, and the account is not yet set aside for that."""
        return isinstance(self.failure, BrowserError) and self.failed_at != self.rested_for

    @property
    def is_opening(self) -> bool:
        """Whether its browser is coming up for a request."""
        return self.running > 0 and self.page is None


@dataclass(eq=False, slots=True)
class Waiter:
    """A request that stands in the queue. `news` is set when it was given a slot, or should look again."""

    excluded: frozenset[str]
    prefer: str | None
    takes_turn: bool = True  # whether it counts in the rotation
    news: threading.Event = field(default_factory=threading.Event)
    slot: Slot | None = None
