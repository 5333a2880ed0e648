"""Chrome on this machine with its driver: launch on an account's profile, attach, end.

We start Chrome ourselves and let the driver attach, so that no automation switch is on its command line and we know its
process id. A launcher (launching.py has the types that others see), and what shared.py stands on. Of accounts it knows
only the folder, and nothing of the site.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver

from qwenproxy.browser.attaching import (
    ATTACH_ERRORS,
    START_WAIT,
    attach,
    await_port,
    ended_when_late,
    kept_port,
    listens,
)
from qwenproxy.browser.binaries import Binaries, Programs
from qwenproxy.browser.chrome_flags import Wishes, command, is_chromes_own, is_chromes_service
from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab, close_by_force
from qwenproxy.browser.devtools_address import local_devtools
from qwenproxy.browser.display import Display, Screen, find_xvfb
from qwenproxy.browser.open_tabs import OpenTabs
from qwenproxy.browser.profile import ProfileClaim, disk_refuses
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.browser.start_failures import (
    Started,
    cannot_attach,
    unfit_versions,
)
from qwenproxy.browser.starting import start_program
from qwenproxy.browser.way_out import WayOut
from qwenproxy.disk.folder import BrowserFolder
from qwenproxy.errors import BrowserError, TabLost
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

CONNECT_WAIT = 5.0  # seconds for Chrome to say where its DevTools are
QUIT_WAIT = 4.0  # seconds for Chrome to write its profile and end


@dataclass(frozen=True, slots=True)
class LocalLauncher:
    """Starts Chrome on this machine, for every account with the same settings.

    `programs` finds browser and driver at each start. `screen` is where its windows are. `spki` is the base64 SHA-256
    of the only self-signed key that Chrome accepts, "" for none (contract 2). `inherited` is this process's
    environment, which a Chrome on a virtual screen gets with that screen in it. `proxy` is for accounts that have none
    of their own. `for_login`: a person signs in there, maybe by another service. `shared`: accounts with proxies of
    their own may share the Chrome.
    """

    programs: Programs
    screen: Screen = "none"
    spki: str = ""
    inherited: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy: ProxyAddress | None = None
    for_login: bool = False
    shared: bool = False

    def check(self) -> None:
        """Find browser, driver and virtual screen, as each start does. Raises SetupError if one is missing."""
        self.programs.find()
        if self.screen == "virtual":
            find_xvfb()

    def launch(self, folder: BrowserFolder) -> Chrome:
        """Return a running Chrome on the profile in `folder`.

        Raises ProfileInUse, StorageError, BrowserError (does not start), SetupError (there is no browser, or the
        account's proxy cannot be read), and leaves no process behind then.
        """
        way = WayOut(folder, self.proxy, is_chromes_service if self.for_login else is_chromes_own)
        binaries = self.programs.find()
        chrome = Chrome(folder, ProfileClaim.take(folder), self, way)
        try:
            folder.profile.mkdir(mode=0o700, exist_ok=True)
            chrome.start(binaries)
        except OSError as error:
            chrome.close()
            raise disk_refuses(folder, error) from error
        except BaseException:
            chrome.close()
            raise
        return chrome

    def died(self, error: TabLost) -> BrowserError:
        """Return the error for a Chrome that ended while it opened the site's page."""
        return BrowserError(Phrase("browser_died", reason=error.message))


class Chrome:
    """A running Chrome on one profile, with a driver and at least one tab; it ends with its last tab."""

    has_profile = True
    shares_login = True
    tab: ChromeTab

    def __init__(self, folder: BrowserFolder, claim: ProfileClaim, settings: LocalLauncher, way: WayOut) -> None:
        """`claim` is for the profile in `folder`; `close` releases it, and closes `way`."""
        self._folder = folder
        self._claim = claim
        self._settings = settings
        self._way = way
        self._processes: list[subprocess.Popen[bytes]] = []
        self._display: Display | None = None
        self._tabs = OpenTabs()
        self._devtools = self._driver_port = 0

    def start(self, binaries: Binaries) -> None:
        """Start browser and driver and attach to the first tab. Raises BrowserError, OSError."""
        self._way.open()
        self.tab = self._first_tab(self._start_both(binaries))

    def close(self, *, politely: bool = True) -> None:
        """End Chrome and its driver, and free the profile. Bounded in time, idempotent.

        With `politely` the driver asks Chrome to end, so that it writes cookies and storage to disk first: only for
        the thread that owns the driver. Without, any thread may call.
        """
        tabs = self._tabs.close()
        if politely and tabs and self._processes:
            with contextlib.suppress(*DRIVER_ERRORS):
                tabs[-1].cdp("Browser.close")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._processes[0].wait(QUIT_WAIT)
        self._claim.release()
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(QUIT_WAIT)
        self._processes = []
        self._way.close()
        if self._display:
            self._display.close()

    @property
    def is_running(self) -> bool:
        """Whether the browser runs, with its driver. Does not ask the browser; for any thread."""
        browser, driver = (*self._processes, None, None)[:2]
        if browser is None or driver is None or driver.poll() is not None:
            return False
        # A script of the distribution may have started the browser in the background and ended.
        return browser.poll() is None or listens(self._devtools)

    @property
    def devtools(self) -> str:
        """The host and port of its DevTools."""
        return f"127.0.0.1:{self._devtools}"

    def attach(self) -> WebDriver:
        """Return a new driver session, on any of its tabs. Raises ATTACH_ERRORS."""
        return attach(self._devtools, self._driver_port, for_login=self._settings.for_login)

    @property
    def is_current(self) -> bool:
        """Whether the account's proxy is still the one it was launched with. Reads a file; for any thread."""
        return self._way.is_current

    def open_tab(self) -> ChromeTab:
        """Open one more tab, with a driver session of its own. Raises the driver's own errors."""
        tab = self._new_tab()
        try:
            tab.turn_to_new()
        except BaseException:
            self._tabs.forget(tab)
            raise
        return tab

    def _new_tab(self) -> ChromeTab:
        tab = ChromeTab(self.attach, self._close_tab, self._way.trouble)
        tab.devtools = local_devtools(self.devtools, CONNECT_WAIT)
        if not self._tabs.add(tab):  # the driver ends with the browser, so the session does too
            raise WebDriverException("the browser was closed meanwhile")
        return tab

    def _close_tab(self, tab: ChromeTab, politely: bool) -> None:
        place = self._tabs.leave(tab)
        if place == "last":
            self.close(politely=politely)
        elif place == "one of many" and politely:
            tab.leave()
        elif place == "one of many":
            close_by_force(self._devtools, tab.handle)

    def _start_both(self, binaries: Binaries) -> Started:
        deadline = time.monotonic() + START_WAIT
        settings = self._settings
        wishes = Wishes(settings.screen, settings.spki, self._way.url, shared=settings.shared)
        # We choose the ports: with port 0 Chrome tells its pages that it is automated.
        with kept_port() as self._devtools, kept_port() as self._driver_port:
            line = command(binaries.chrome, self._folder.profile, self._devtools, wishes)
            browser = self._start(line, self._folder.chrome_log, self._environment())
            driver = self._start_driver(binaries)
            await_port(browser, self._devtools, deadline)
            await_port(driver, self._driver_port, deadline)
        return browser

    def _environment(self) -> dict[str, str] | None:
        """Return Chrome's environment, None for our own; starts the virtual screen, if it is to have one."""
        if self._settings.screen != "virtual":
            return None
        self._display = Display.start(self._folder, self._claim.add)
        return self._display.environment(self._settings.inherited)

    def _start_driver(self, binaries: Binaries) -> Started:
        line = [binaries.chromedriver, f"--port={self._driver_port}", "--log-level=OFF"]
        return self._start(line, self._folder.driver_log)

    def _first_tab(self, browser: Started) -> ChromeTab:
        """Attach the driver; if its version does not fit the browser, replace it with one that fits, where possible."""
        programs = self._settings.programs
        try:
            with ended_when_late(browser):
                return self._new_tab()
        except ATTACH_ERRORS as error:
            versions = unfit_versions(error)
            fitting = programs.find_fitting(versions[1]) if versions else None
            if fitting is None:
                raise cannot_attach(error, browser, driver_named=programs.driver_named) from error
            log.warning("the driver is for version %s, the browser has %s: one that fits takes over", *versions or ())
        unfit = self._processes.pop()
        self._claim.end(unfit.pid)
        unfit.wait(QUIT_WAIT)
        with kept_port() as self._driver_port:
            driver = self._start_driver(fitting)
            await_port(driver, self._driver_port, time.monotonic() + START_WAIT)
        try:
            with ended_when_late(browser):
                return self._new_tab()
        except ATTACH_ERRORS as error:
            raise cannot_attach(error, browser, driver_named=programs.driver_named) from error

    def _start(self, line: list[str], output: Path, environment: dict[str, str] | None = None) -> Started:
        started = start_program(line, output, environment)
        self._processes.append(started.process)
        self._claim.add(started.process.pid)
        return started
