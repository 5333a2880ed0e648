"""Browsers on the nodes of a Selenium Grid: one driver session for each tab, with the account's id as its name.

The launcher beside local.py (launching.py has the types that others see). A node keeps no profile, so the account's
login is put into each new browser. Of accounts it knows only the folder, and nothing of the site.
"""

from __future__ import annotations

from collections.abc import Callable

from qwenproxy.browser.attaching import ATTACH_ERRORS
from qwenproxy.browser.chrome_flags import Wishes, flags_for, proxy_flags
from qwenproxy.browser.chrome_tab import ChromeTab
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.browser.grid_sessions import GridSessions
from qwenproxy.browser.open_tabs import OpenTabs
from qwenproxy.browser.pace import Pace
from qwenproxy.browser.profile import ProfileClaim
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import BrowserError, GridError, SetupError, TabLost
from qwenproxy.texts import Phrase

ANSWER_WAIT = 5.0  # seconds for one exchange: a node that hangs must not hold answers up for longer
GATHER = 50  # milliseconds: each exchange costs 5 ms of processor time at hub and node
PINGS = 4  # signs of life of an idle tab within the Grid's time limit for sessions


class GridLauncher:
    """Opens browsers on the nodes of one Grid, for every account with the same settings."""

    def __init__(
        self,
        hub: GridHub,
        *,
        headless: bool = True,
        spki: str = "",
        proxy_of: Callable[[AccountFolder], ProxyAddress | None] = lambda folder: None,
        for_login: bool = False,
    ) -> None:
        """`spki` is the base64 SHA-256 of the only self-signed key that Chrome accepts, "" for none (contract 2).

        `proxy_of` returns the proxy of an account, None for none, and raises SetupError where that is not known.
        `for_login`: a person answers the pages' dialogs.
        """
        self.hub = hub
        self.proxy_of = proxy_of
        flags = flags_for(Wishes("none" if headless else "person", spki))
        self.sessions = GridSessions(hub, flags, for_login=for_login)

    def check(self) -> None:
        """Check nothing: a hub that is silent now may answer the first request."""

    def launch(self, folder: AccountFolder) -> GridBrowser:
        """Return a running browser for the account.

        Raises ProfileInUse, StorageError, GridError; BrowserError for a proxy with a password, so that the account
        rests: Chrome takes none, and our own forwarder is not on the node.
        """
        proxy = self.proxy_of(folder)
        if proxy and proxy.user:
            hub = str(self.hub.address)
            raise BrowserError(Phrase("grid_proxy_password", proxy=proxy.public, id=folder.id, hub=hub))
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

    def __init__(
        self, folder: AccountFolder, claim: ProfileClaim, launcher: GridLauncher, proxy: ProxyAddress | None
    ) -> None:
        """`claim` keeps other processes from the account, which two browsers could log out; `close` releases it.

        All that the browser asks for goes through `proxy`, which is reached from its node; None for no proxy.
        """
        self._folder = folder
        self._claim = claim
        self._launcher = launcher
        self._proxy = proxy
        self._tabs = OpenTabs()

    def start(self) -> None:
        """Open the first tab. Raises GridError."""
        self.tab = self.open_tab()

    @property
    def is_running(self) -> bool:
        """Whether nobody has closed it. Does not ask the Grid: a session that ended shows at its next command."""
        return not self._tabs.is_closed

    @property
    def is_current(self) -> bool:
        """Whether the account's proxy is still the one it was launched with. May read a file; for any thread."""
        try:
            return self._launcher.proxy_of(self._folder) == self._proxy
        except SetupError:
            return False

    def open_tab(self) -> ChromeTab:
        """Open one more tab, in a Chrome of its own. Raises GridError."""
        flags = proxy_flags(self._proxy.public) if self._proxy else []
        session = self._launcher.sessions.open(self._folder.id, flags)
        try:
            tab = ChromeTab(lambda: session.driver, self._close_tab)
        except ATTACH_ERRORS as error:
            self._launcher.sessions.end(session.driver)
            raise self._launcher.died(TabLost(f"{type(error).__name__}.")) from error
        tab.devtools = self._launcher.hub.devtools_of(session.driver)
        tab.pace = Pace(gather=GATHER, answer_wait=ANSWER_WAIT, ping=session.time_limit / PINGS, renews_session=False)
        if not self._tabs.add(tab):
            self._launcher.sessions.end(session.driver)
            raise self._launcher.died(TabLost("The server is stopping."))
        return tab

    def close(self, *, politely: bool = True) -> None:
        """End every session, and free the account. Bounded in time, idempotent; any thread may call.

        The hub also ends a session whose command hangs, so that this is the way for both kinds of closing.
        """
        for tab in self._tabs.close() or ():
            self._launcher.sessions.end(tab.driver, politely=politely)
        self._claim.release()

    def _close_tab(self, tab: ChromeTab, politely: bool) -> None:
        place = self._tabs.leave(tab)
        if place == "last":
            self.close(politely=politely)
        elif place == "one of many":
            self._launcher.sessions.end(tab.driver, politely=politely)
