"""What the pool keeps in mind: its limits, one slot per account, one waiter per queued request.

Plain records; the decisions are in pool.py and rotation.py.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from qwenproxy.browser.tab import Tab


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

    All fields but `opening` are guarded by the pool's lock; `token` is by `opening`.
    """

    id: str
    running: int = 0
    turns: int = 0  # requests it got, lifted where it was away for long
    served: int = 0  # which request of all was its last
    kept_since: float | None = None  # when its turn was first kept for it (s, monotonic); None again once it has room
    tab: Tab | None = None
    token: str = field(default="", repr=False)  # of the account, when the tab was last given out
    leaving: Tab | None = None  # was taken away to be closed: it may still hold the profile
    idle_since: float = 0.0
    has_place: bool = False  # counts among the open browsers
    opening: threading.Lock = field(default_factory=threading.Lock)


@dataclass(eq=False, slots=True)
class Waiter:
    """A request that stands in the queue."""

    excluded: frozenset[str]
    prefer: str | None
    takes_turn: bool = True  # whether it counts in the rotation
    granted: threading.Event = field(default_factory=threading.Event)
    slot: Slot | None = None
