"""The site's clock, by which everything here ages: tokens, cookies, uploads, signed addresses.

Two switches move it, so that a test can let days pass. Streams are paced by real time and do not use it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from qwenproxy.sandbox.switches import Switches


class Clock:
    """The time of one sandbox: the `wall` clock plus `clock_ahead_s`, which grows while `clock_speed` is over 1.

    now() adds what the clock gained since the call before, at the present speed. Call it before you change the speed,
    as `Sandbox.switches` does: then the old speed counts up to the change.
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
