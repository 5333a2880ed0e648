"""Where the time before an answer's first word went: the stages of one request, for its `Server-Timing` header.

The relay fills it, the api shows it. Knows neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Laps:
    """A stopwatch for stages; a repeated stage adds up."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start it."""
        self._clock = clock
        self._durations: dict[str, float] = {}
        self._last = clock()

    def end(self, stage: str) -> None:
        """Note that a stage ended now, and that the next one begins."""
        now = self._clock()
        self._durations[stage] = self._durations.get(stage, 0.0) + now - self._last
        self._last = now

    @property
    def seconds(self) -> float:
        """The time of all stages that have ended."""
        return sum(self._durations.values())

    @property
    def header(self) -> str:
        """The stages in the form of a `Server-Timing` header, in milliseconds."""
        return ", ".join(f"{stage};dur={seconds * 1000:.1f}" for stage, seconds in self._durations.items())
