"""When a page has to be loaded anew, by the time that its login and cookies still last. Pure; for kept_page.py."""

from __future__ import annotations

LEAD = 180.0  # seconds before the end of login or cookies from which we try to load the page anew
LAST_CALL = 45.0  # seconds before that end from which a second tab takes over
NEAR = 3.0  # seconds: we let what ends so soon run out, because then the page surely renews it


def lead_times(lifetime: float) -> tuple[float, float]:
    """Return how long before its end to load a page anew, and how long before it a second tab takes over.

    `lifetime` is the time from the load to the end; all in seconds. Both are parts of it, so that a page that did not
    renew its login is loaded again and again, ever closer to the end: it may renew only shortly before.
    """
    if lifetime <= NEAR:
        return 0.0, 0.0
    return min(LEAD, lifetime / 3), min(LAST_CALL, lifetime / 8)
