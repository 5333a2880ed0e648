"""The seam between the accounts and what runs their browsers: an account's folder in, a browser with a tab out.

Kept pages, the pool's opener and the login window know only these types; Chrome on this machine stands behind them
(local.py). A browser is launched for one account, so that what accounts may have of their own (a proxy, a Grid) has its
place in a launcher.
"""

from __future__ import annotations

from typing import Protocol

from qwenproxy.browser.chrome_tab import ChromeTab
from qwenproxy.disk.folder import AccountFolder


class Browser(Protocol):
    """A running browser on one account's profile; it ends with its last tab."""

    @property
    def tab(self) -> ChromeTab:
        """The first tab."""

    @property
    def is_running(self) -> bool:
        """Whether it runs, as far as is known without asking it; any thread may look."""

    def open_tab(self) -> ChromeTab:
        """Open one more tab, with a driver session of its own. Raises DRIVER_ERRORS."""

    def close(self, *, politely: bool = True) -> None:
        """End it and give the profile free. Bounded in time, idempotent.

        `politely` lets it write cookies and storage first: only for the thread that owns the driver. Without it, any
        thread may call.
        """


class Launcher(Protocol):
    """What starts browsers."""

    def check(self) -> None:
        """Look whether browsers can be started at all. Raises SetupError."""

    def launch(self, folder: AccountFolder) -> Browser:
        """Return a running browser on the account's profile.

        Raises ProfileInUse, StorageError, BrowserError (does not start), SetupError (there is no browser). Leaves no
        process behind then.
        """
