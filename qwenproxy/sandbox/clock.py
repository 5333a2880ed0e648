"""The site's clock, by which everything here ages: tokens, cookies, uploads, signed addresses.

Two switches move it, so that a test can let days pass. What paces a stream is the real time, and is none of its
business.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from qwenproxy.sandbox.switches import Switches


class Clock:
    """The time of one sandbox, `clock_ahead_s` before the `wall` clock, a lead that grows while it runs fast.

    A look at the clock settles what went by until then. So look once before you change `clock_speed`
    (`Sandbox.switches` does), and the old speed counts up to the change.
    """

    def __init__(self, switches: Switches, wall: Callable[[], float] = time.time) -> None:
        self._switches = switches
        self._wall = wall
        self._settled = wall()
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the site's time in seconds since 1970."""
        with self._lock:
            return self._settle() + self._switches.clock_ahead_s

    def advance(self, seconds: float) -> None:
        """Let this much time go by at once."""
        with self._lock:
            self._settle()
            self._switches.clock_ahead_s += seconds

    def _settle(self) -> float:
        wall = self._wall()
        if self._switches.clock_speed != 1:
            self._switches.clock_ahead_s += (wall - self._settled) * (self._switches.clock_speed - 1)
        self._settled = wall
        return wall
