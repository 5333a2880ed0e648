"""How often the owner thread talks to a page, and how long it waits: values that depend on where the browser runs.

A tab carries its pace (chrome_tab.py); the owner thread and the kept page follow it. Knows neither tabs nor drivers.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one tab.

    `gather` is how long the page waits at least between two exchanges, so that each brings more (ms): as long as no
    more than `gather_limit` answers run, and unless a message is urgent (bridge.js). `answer_wait` is how long the
    driver may take for one exchange, None for its usual time (s). An idle tab is asked for a sign of life every `ping`
    seconds, None for never. `renews_session` says that the driver can let go of the tab and come back.
    """

    gather: int = 0
    gather_limit: int = sys.maxsize
    answer_wait: float | None = None
    ping: float | None = None
    renews_session: bool = True


# With more answers an exchange brings pieces of many anyhow. 40 ms are no pause that a reader sees.
LOCAL = Pace(gather=40, gather_limit=32)
