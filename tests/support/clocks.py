"""A clock for whatever takes one."""

from __future__ import annotations

NOW = 1_760_000_000.0


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
