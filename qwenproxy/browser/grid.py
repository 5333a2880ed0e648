"""Browsers on the nodes of a Selenium Grid: one driver session for each tab, with the account's id as its name.

The launcher beside local.py (launching.py has the types that others see). A node keeps no profile, so the account's
login is put into each new browser. Of accounts it knows only the folder, and nothing of the site.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from qwenproxy.browser.attaching import ATTACH_ERRORS
from qwenproxy.browser.chrome_flags import FLAGS
from qwenproxy.browser.chrome_tab import ChromeTab
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.browser.grid_sessions import GridSessions
from qwenproxy.browser.pace import Pace
from qwenproxy.browser.profile import ProfileClaim
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import GridError, SetupError, TabLost

ANSWER_WAIT = 5.0  # seconds for one exchange: a node that hangs must not hold answers up for longer
GATHER = 50  # milliseconds: each exchange costs 5 ms of processor time at hub and node
# Without these Chrome goes to its own machine's addresses, and calls go to the net, past the proxy.
PROXY_FLAGS = ("--proxy-bypass-list=<-loopback>", "--webrtc-ip-handling-policy=disable_non_proxied_udp")
PINGS = 4  # signs of life of an idle tab within the Grid's time limit for sessions


class Proxy(Protocol):
    """An account's proxy, as far as a browser on a node needs it: `public` has neither user nor password."""

    @property
    def public(self) -> str:
        """The address: scheme, host and port."""

    @property
    def user(self) -> str:
        """The user, "" for none."""


class GridLauncher:
    """Opens browsers on the nodes of one Grid, for every account with the same settings."""

    def __init__(
        self,
        hub: GridHub,
        *,
        headless: bool = True,
        spki: str = "",
        proxy_of: Callable[[AccountFolder], Proxy | None] = lambda folder: None,
    ) -> None:
        """`spki` is the base64 SHA-256 of the only self-signed key that Chrome accepts, "" for none (contract 2).

        `proxy_of` returns the proxy of an account, None for none, and raises SetupError where that is not known.
        """
        self.hub = hub
        self.proxy_of = proxy_of
        flags = [*FLAGS, *(["--headless=new"] if headless else [])]
        if spki:
            flags.append(f"--ignore-certificate-errors-spki-list={spki}")
        self.sessions = GridSessions(hub, flags)

    def check(self) -> None:
        """Check nothing: a hub that is silent now may answer the first request."""

    def launch(self, folder: AccountFolder) -> GridBrowser:
        """Return a running browser for the account.

        Raises ProfileInUse, StorageError, GridError, also for a proxy with a password: Chrome takes none, and the
        proxy's own forwarder is not on the node.
        """
        proxy = self.proxy_of(folder)
        if proxy and proxy.user:
            raise self.hub.error("grid_proxy_password", proxy=proxy.public, id=folder.id)
        browser = GridBrowser(folder, ProfileClaim.take(folder), self, proxy)
        try:
            browser.start()
        except BaseException:
            browser.close()
            raise
        return browser

    def died(self, error: TabLost) -> GridError:
        """Return the error for a browser that ended while it opened the site's page."""
        return self.hub.error("grid_browser_died", reason=error.message)


class GridBrowser:
    """The browsers of one account on a Grid: each tab is a Chrome of its own, on whichever node has room."""

    has_profile = False
    shares_login = False
    tab: ChromeTab

    def __init__(self, folder: AccountFolder, claim: ProfileClaim, launcher: GridLauncher, proxy: Proxy | None) -> None:
        """`claim` keeps other processes from the account, which two browsers could log out; `close` releases it.

        All that the browser asks for goes through `proxy`, which is reached from its node; None for no proxy.
        """
        self._folder = folder
        self._claim = claim
        self._launcher = launcher
        self._proxy = proxy
        self._tabs: list[ChromeTab] = []
        self._lock = threading.Lock()  # around the list of tabs: each tab has a thread of its own
        self._closed = False

    def start(self) -> None:
        """Open the first tab. Raises GridError."""
        self.tab = self.open_tab()

    @property
    def is_running(self) -> bool:
        """Whether nobody has closed it. Does not ask the Grid: a session that ended shows at its next command."""
        return not self._closed

    @property
    def is_current(self) -> bool:
        """Whether the account's proxy is still the one it was launched with. May read a file; for any thread."""
        try:
            return self._launcher.proxy_of(self._folder) == self._proxy
        except SetupError:
            return False

    def open_tab(self) -> ChromeTab:
        """Open one more tab, in a Chrome of its own. Raises GridError."""
        flags = [f"--proxy-server={self._proxy.public}", *PROXY_FLAGS] if self._proxy else []
        session = self._launcher.sessions.open(self._folder.id, flags)
        try:
            tab = ChromeTab(lambda: session.driver, self._close_tab)
        except ATTACH_ERRORS as error:
            self._launcher.sessions.end(session.driver)
            raise self._launcher.died(TabLost(f"{type(error).__name__}.")) from error
        tab.pace = Pace(GATHER, ANSWER_WAIT, session.time_limit / PINGS, renews_session=False)
        with self._lock:
            self._tabs.append(tab)
            is_late = self._closed
        if is_late:
            self.close()
            raise self._launcher.died(TabLost("The server is stopping."))
        return tab

    def close(self, *, politely: bool = True) -> None:
        """End every session, and free the account. Bounded in time, idempotent; any thread may call.

        The hub also ends a session whose command hangs, so that this is the way for both kinds of closing.
        """
        with self._lock:
            tabs, self._tabs = self._tabs, []
            self._closed = True
        for tab in tabs:
            self._launcher.sessions.end(tab.driver)
        self._claim.release()

    def _close_tab(self, tab: ChromeTab, politely: bool) -> None:
        with self._lock:
            others = [each for each in self._tabs if each is not tab]
            is_open = len(others) < len(self._tabs)
            if others:
                self._tabs = others
        if not others:
            self.close(politely=politely)
        elif is_open:
            self._launcher.sessions.end(tab.driver)
