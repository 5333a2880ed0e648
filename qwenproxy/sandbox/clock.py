"""The site's clock: tokens, cookies, uploads and signed addresses age by it.

Two switches move it, so that a test can let days pass. Streams are paced by real time and do not use it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from qwenproxy.sandbox.switches import Switches


class Clock:
    """The time of one sandbox: the `wall` clock plus `clock_ahead_s`, which grows while `clock_speed` is over 1.

    now() adds the time gained since its last call, at the present speed. Call it before you change the speed, as
    `Sandbox.switches` does, so that the old speed counts up to the change.
    """

    def __init__(self, switches: Switches, wall: Callable[[], float] = time.time) -> None:
        self._switches = switches
        self._wall = wall
        self._settled_at = wall()
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the site's time in seconds since 1970."""
        with self._lock:
            return self._settle() + self._switches.clock_ahead_s

    def advance(self, seconds: float) -> None:
        """Move the clock ahead."""
        with self._lock:
            self._settle()
            self._switches.clock_ahead_s += seconds

    def _settle(self) -> float:
        wall = self._wall()
        if self._switches.clock_speed != 1:
            self._switches.clock_ahead_s += (wall - self._settled_at) * (self._switches.clock_speed - 1)
        self._settled_at = wall
        return wall
