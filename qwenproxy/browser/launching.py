"""The seam between the accounts and their browsers: an account's folder in, a browser with a tab out.

Kept pages, the pool's opener and the login window know only these types; local.py implements them for Chrome on this
machine, shared.py for a Chrome with several accounts, grid.py for a Selenium Grid. A launch is for one account, so that
a launcher can use the account's own settings (a proxy).
"""

from __future__ import annotations

from typing import Protocol

from qwenproxy.browser.chrome_tab import ChromeTab
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import SetupError, TabLost


class Browser(Protocol):
    """A running browser for one account; it ends with its last tab."""

    @property
    def tab(self) -> ChromeTab:
        """The first tab."""

    @property
    def has_profile(self) -> bool:
        """Whether the account's cookies and storage stay in the account's folder when the browser ends."""

    @property
    def shares_login(self) -> bool:
        """Whether a further tab has the login of the first one."""

    @property
    def is_running(self) -> bool:
        """Whether it runs. Does not ask the browser; for any thread."""

    @property
    def is_current(self) -> bool:
        """Whether the account's own settings, such as its proxy, are still those it was launched with.

        May read a file; for any thread.
        """

    def open_tab(self) -> ChromeTab:
        """Open one more tab, with a driver session of its own. Raises DRIVER_ERRORS."""

    def close(self, *, politely: bool = True) -> None:
        """End it and free the profile. Bounded in time, idempotent.

        With `politely` it writes cookies and storage first: only for the thread that owns the driver. Without, any
        thread may call.
        """


class Launcher(Protocol):
    """Starts browsers."""

    def check(self) -> None:
        """Check that browsers can be started at all. Raises SetupError."""

    def launch(self, folder: AccountFolder) -> Browser:
        """Return a running browser for the account.

        Raises ProfileInUse, StorageError, BrowserError (does not start), SetupError (there is no browser), GridError,
        and leaves no process behind then.
        """

    def died(self, error: TabLost) -> SetupError:
        """Return the error for a browser that ended while it opened the site's page."""
