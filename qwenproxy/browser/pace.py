"""How often the owner thread talks to a page, and how long it waits: values that depend on where the browser runs.

A tab carries its pace (chrome_tab.py); the owner thread and the kept page follow it. Knows neither tabs nor drivers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one tab.

    `gather` is how long the page waits at least between two answers, so that each brings more (ms). `answer_wait` is
    how long the driver may take for one exchange, None for its usual time (s). An idle tab is asked for a sign of life
    every `ping` seconds, None for never. `renews_session` says that the driver can let go of the tab and come back.
    """

    gather: int = 0
    answer_wait: float | None = None
    ping: float | None = None
    renews_session: bool = True


LOCAL = Pace()
