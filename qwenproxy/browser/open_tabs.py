"""The open tabs of one browser: which there are, and when the last one goes. For local.py, shared.py and grid.py.

Each tab has a thread of its own, so the list has a lock. Ends nothing itself: how a tab ends is the browser's matter.
"""

from __future__ import annotations

import threading
from typing import Literal

from qwenproxy.browser.chrome_tab import ChromeTab

Place = Literal["last", "one of many", "gone"]


class OpenTabs:
    """The list of tabs, until `close`. For any thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tabs: list[ChromeTab] = []
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether the browser was closed: no tab comes any more."""
        return self._is_closed

    def add(self, tab: ChromeTab) -> bool:
        """Add a tab; return False, and do not, if the browser was closed meanwhile."""
        with self._lock:
            if not self._is_closed:
                self._tabs.append(tab)
            return not self._is_closed

    def leave(self, tab: ChromeTab) -> Place:
        """Take a tab out unless it is the last one, with which the whole browser has to close; return which it was."""
        with self._lock:
            others = [each for each in self._tabs if each is not tab]
            if not others:
                return "last"
            was_open, self._tabs = len(others) < len(self._tabs), others
        return "one of many" if was_open else "gone"

    def forget(self, tab: ChromeTab) -> None:
        """Take a tab out that never became one."""
        with self._lock:
            self._tabs = [each for each in self._tabs if each is not tab]

    def close(self) -> list[ChromeTab] | None:
        """Take all tabs out and let none come any more; return them, None if that was done before."""
        with self._lock:
            if self._is_closed:
                return None
            tabs, self._tabs, self._is_closed = self._tabs, [], True
        return tabs
