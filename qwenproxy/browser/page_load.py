"""One loading of the page: asked for by whoever keeps the page fit, done by the tab's owner thread.

Stands between kept_page.py and tab.py. Knows no site; what loading means is handed in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.site import Loaded
from qwenproxy.errors import ProxyError, TabLost


class PageLoad:
    """A loading of the page that a tab's owner thread is asked for, and what came of it."""

    def __init__(self, load: Callable[[ChromeTab], Loaded]) -> None:
        """`load` does it, on the owner thread; it raises what went wrong."""
        self._load = load
        self._decision = threading.Lock()
        self._taken = False
        self._done = threading.Event()
        self._loaded: Loaded | None = None
        self._error: ProxyError | None = None

    def run(self, tab: ChromeTab) -> None:
        """Load the page, unless nobody wants it any more. Raises what went wrong, for the owner thread, too."""
        if not self._take():
            return
        self._error = TabLost("The loading of the site's page was broken off.")
        try:
            self._loaded = self._load(tab)
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
        """End it: the tab is lost."""
        if self._take():
            self._error = error
            self._done.set()

    def withdraw(self) -> bool:
        """Take the order back; False when it is being carried out."""
        return self._take()

    def wait(self, seconds: float | None = None) -> Loaded | None:
        """Return what was loaded, None after so many seconds without an end. Raises what went wrong."""
        if not self._done.wait(seconds):
            return None
        if self._error:
            raise self._error
        return self._loaded

    def _take(self) -> bool:
        with self._decision:
            taken, self._taken = self._taken, True
        return not taken
