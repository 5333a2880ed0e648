"""When the login of an open page is read for safekeeping, and what the last reading brought.

A KeptPage has one: it asks whether a reading is due, orders it from its tab, and hands the result on. The tab's owner
thread runs the reading while no call runs, after a renewal at once. Knows no accounts and no disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.page_login import Login, read_login

READ_EVERY = 600.0  # seconds between two readings of a page that is in use


class LoginReadings:
    """The readings of one page: the first after its first use, then by the clock, and after each renewal."""

    def __init__(self, origin: str, clock: Callable[[], float], on_reading: Callable[[], None]) -> None:
        """`clock` gives seconds since 1970; `on_reading` runs on the tab's owner thread, so it must not wait."""
        self._origin = origin
        self._clock = clock
        self._on_reading = on_reading
        self._is_used = False  # since the last reading was ordered
        self._ordered_at: float | None = None
        self._login: Login | None = None

    def note_use(self) -> None:
        """Note that a call uses the page: cookies and storage may change."""
        self._is_used = True

    def take_due(self) -> bool:
        """Tell whether a reading is due, and count it as ordered then."""
        now = self._clock()
        # A clock that was set back must not put the readings off.
        recent = self._ordered_at is not None and 0 <= now - self._ordered_at < READ_EVERY
        if not self._is_used or recent:
            return False
        self.note_order()
        return True

    def note_order(self) -> None:
        """Count a reading as ordered now."""
        self._is_used, self._ordered_at = False, self._clock()

    def read(self, tab: ChromeTab) -> None:
        """Read the page's login. Only for the thread that owns the tab. Never raises what the driver raises."""
        # A driver that is gone shows at the next call.
        with contextlib.suppress(*DRIVER_ERRORS):
            self._login = read_login(tab, self._origin) or self._login
            self._on_reading()

    def take(self) -> Login | None:
        """Return the login that was read last, once."""
        login, self._login = self._login, None
        return login
