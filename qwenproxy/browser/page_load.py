"""One load of the page: kept_page.py orders it, the owner thread of tab.py runs it.

Knows no site: the caller hands in the function that loads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.site import Loaded
from qwenproxy.errors import ProxyError, TabLost


class PageLoad:
    """An order to load the page, and its result."""

    def __init__(self, load: Callable[[ChromeTab], Loaded]) -> None:
        """`load` runs on the owner thread and raises its failure."""
        self._load = load
        self._decision = threading.Lock()
        self._taken = False
        self._done = threading.Event()
        self._result: Loaded | None = None
        self._error: ProxyError | None = None

    def run(self, tab: ChromeTab) -> None:
        """Load the page, unless the order was withdrawn. Raises the failure here, too, for the owner thread."""
        if not self._take():
            return
        self._error = TabLost("The loading of the site's page was broken off.")
        try:
            self._result = self._load(tab)
            self._error = None
        except DRIVER_ERRORS as error:
            self._error = TabLost(f"The browser went away while it loaded the site's page ({type(error).__name__}).")
            raise self._error from error
        except ProxyError as error:
            self._error = error
            raise
        finally:
            self._done.set()

    def fail(self, error: ProxyError) -> None:
        """Fail the order, because the tab is lost. Does nothing once it runs."""
        if self._take():
            self._error = error
            self._done.set()

    def withdraw(self) -> bool:
        """Take the order back; return False if it already runs."""
        return self._take()

    def wait(self, seconds: float | None = None) -> Loaded | None:
        """Return the result, None if there is none after so many seconds. Raises the failure of the load."""
        if not self._done.wait(seconds):
            return None
        if self._error:
            raise self._error
        return self._result

    def _take(self) -> bool:
        with self._decision:
            is_first, self._taken = not self._taken, True
        return is_first
