"""Measure how long a tab's page has been away (silent while it loads, or on another site), and when to give up.

Used by exchange.py alone. Knows no driver.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from qwenproxy.errors import NotLoggedIn, TabLost

BACK_WAIT = 10.0  # seconds for a reloading page to come back
SIGN_IN_WAIT = 2.0  # seconds for a page to come back from sign-in: a redirect may only pass through there


class Absence:
    """How long the page of one tab has been away. For the tab's owner thread only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._silent_since: float | None = None
        self._elsewhere_since: float | None = None

    def end(self) -> None:
        """Record that the page is on the site and answers."""
        self._silent_since = self._elsewhere_since = None

    def note_silence(self, reason: Exception) -> None:
        """Record that the page did not answer. Raises TabLost after BACK_WAIT seconds of it."""
        now = self._clock()
        if self._silent_since is None:
            self._silent_since = now
        if now - self._silent_since > BACK_WAIT:
            raise TabLost(f"The site's page does not answer ({type(reason).__name__}).")

    def note_elsewhere(self, origin: str) -> None:
        """Record that the page is on another origin.

        Raises TabLost off the web, NotLoggedIn after SIGN_IN_WAIT seconds.
        """
        now = self._clock()
        if not origin.startswith("http"):
            raise TabLost("The page left the site.")
        if self._elsewhere_since is None:
            self._elsewhere_since = now
        if now - self._elsewhere_since > SIGN_IN_WAIT:
            raise NotLoggedIn("The site sent the page to its sign-in.")
