"""The upkeep of an account's page: what it needs from outside, and when it has to be loaded anew. For kept_page.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from qwenproxy.browser.page_login import Login
from qwenproxy.browser.tab import Tab
from qwenproxy.errors import ProxyError

LEAD = 180.0  # seconds before the end of login or cookies from which we try to load the page anew
LAST_CALL = 45.0  # seconds before that end from which a second tab takes over
NEAR = 3.0  # seconds: we let what ends so soon run out, because then the page surely renews it
POLL = 5.0  # seconds between two looks at the clock, which a person may set


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a KeptPage needs from outside.

    `clock` gives seconds since 1970, `poll` is the longest pause between two looks at it. `keep_login` gets each token
    that the page renewed, and each reading of its login; `note_refusal` the error of each load that failed, `note_load`
    the page's tab after each load that did not, for calls that do not count as use; none must raise, nor must
    `note_load` wait. `renewable` is True if the page has renewed its token before. `read_login` returns the login to
    put into a further browser of the account.
    """

    keep_login: Callable[[Login], None]
    note_refusal: Callable[[ProxyError], None]
    clock: Callable[[], float] = time.time
    poll: float = POLL
    renewable: bool = True
    note_load: Callable[[Tab], None] = lambda tab: None
    read_login: Callable[[], Login | None] = lambda: None


def lead_times(lifetime: float) -> tuple[float, float]:
    """Return how long before its end to load a page anew, and how long before it a second tab takes over.

    `lifetime` is the time from the load to the end; all in seconds. Both are parts of it, so that a page that did not
    renew its login is loaded again and again, ever closer to the end: it may renew only shortly before.
    """
    if lifetime <= NEAR:
        return 0.0, 0.0
    return min(LEAD, lifetime / 3), min(LAST_CALL, lifetime / 8)
