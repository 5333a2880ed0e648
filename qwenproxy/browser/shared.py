"""Several accounts in one Chrome: each in a browser context of its own, with a driver session of its own.

The launcher for ACCOUNTS_PER_BROWSER over 1 (launching.py has the types that others see). local.py starts the Chromes,
on empty profiles of their own below `browsers/`; a Chrome starts when no other has room, and ends with its last
account. Nothing of an account's is on disk here. Knows nothing of the site.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver

from qwenproxy.browser.attaching import ATTACH_ERRORS
from qwenproxy.browser.blocked_tabs import freed_when_late
from qwenproxy.browser.chrome_flags import is_chromes_own
from qwenproxy.browser.chrome_tab import ChromeTab, end_session
from qwenproxy.browser.contexts import (
    Context,
    close_context,
    close_context_tab,
    open_context,
    open_context_tab,
)
from qwenproxy.browser.local import Chrome, LocalLauncher
from qwenproxy.browser.open_tabs import OpenTabs
from qwenproxy.browser.profile import ProfileClaim, ProfileInUse
from qwenproxy.browser.way_out import WayOut
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.errors import BrowserError, SharedBrowserError, TabLost
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

FIRST_REST = 10.0  # seconds without a new try after a shared Chrome did not start; doubled with each further failure
LONGEST_REST = 600.0


@dataclass(eq=False, slots=True)
class SharedChrome:
    """A Chrome, and how many accounts have a seat in it."""

    chrome: Chrome
    guests: int = 0


@dataclass(slots=True)
class Failure:
    """Why the last shared Chrome did not start, how often in a row, and when to try again (s, monotonic)."""

    error: BrowserError
    count: int
    again_at: float


class SharedLauncher:
    """Puts accounts into shared Chromes on this machine."""

    def __init__(self, local: LocalLauncher, accounts: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`local` starts the Chromes, each for so many `accounts`; `clock` gives seconds."""
        self._local = local
        self._accounts = accounts
        self._clock = clock
        self._starting = threading.Lock()  # around each start: accounts that come meanwhile wait, and share that Chrome
        self._failure: Failure | None = None
        self._seating = threading.Lock()  # around the Chromes and their guests; never held for long
        self._chromes: list[SharedChrome] = []

    def check(self) -> None:
        """Find browser and driver, as each start does. Raises SetupError if one is missing."""
        self._local.check()

    def launch(self, folder: AccountFolder) -> ContextBrowser:
        """Return a context for the account, in a Chrome that has room.

        Raises ProfileInUse, StorageError, SharedBrowserError (no Chrome starts), SetupError (there is no browser, or
        the account's proxy cannot be read), BrowserError (there is no way out), TabLost (the Chrome ended just now);
        then nothing of the account's stays open.
        """
        way = WayOut(folder, self._local.proxy, is_chromes_own)
        claim = ProfileClaim.take(folder)
        try:
            shared = self._seat(folder.session)
        except BaseException:
            claim.release()
            raise
        browser = ContextBrowser(shared.chrome, claim, way, lambda: self._leave(shared))
        try:
            browser.start()
        except ATTACH_ERRORS as error:
            browser.close()
            raise TabLost(f"The shared browser took no account ({type(error).__name__}).") from error
        except BaseException:
            browser.close()
            raise
        return browser

    def died(self, error: TabLost) -> SharedBrowserError:
        """Return the error for a Chrome that ended while it opened the site's page."""
        return SharedBrowserError(Phrase("browser_died", reason=error.message))

    def _seat(self, session: SessionFolder) -> SharedChrome:
        """Return a Chrome with one more guest; start one if there is no room."""
        with self._starting:
            shared = self._free_seat()
            if shared is None:
                shared = SharedChrome(self._start(session), 1)
                with self._seating:
                    self._chromes.append(shared)
        return shared

    def _free_seat(self) -> SharedChrome | None:
        """Take a seat in the fullest Chrome that has one, so that others empty; end those that died."""
        with self._seating:
            dead = [shared for shared in self._chromes if not shared.chrome.is_running]
            self._chromes = [shared for shared in self._chromes if shared not in dead]
            free = [shared for shared in self._chromes if shared.guests < self._accounts]
            fullest = max(free, key=lambda shared: shared.guests, default=None)
            if fullest:
                fullest.guests += 1
        for shared in dead:
            shared.chrome.close(politely=False)
        return fullest

    def _start(self, session: SessionFolder) -> Chrome:
        """Start a Chrome. Its failure is every account's, so nobody waits for the same again at once."""
        last, now = self._failure, self._clock()
        if last and now < last.again_at:
            raise SharedBrowserError(last.error.phrase or last.error.message, retry_after=last.again_at - now)
        try:
            chrome = self._launch_free(session)
        except BrowserError as error:
            failures = last.count + 1 if last else 1
            rest = min(FIRST_REST * 2.0 ** (failures - 1), LONGEST_REST)
            self._failure = Failure(error, failures, self._clock() + rest)
            log.warning("a shared browser does not start; next try in %.0f s: %s", rest, error.message)
            raise SharedBrowserError(error.phrase or error.message, retry_after=rest) from error
        self._failure = None
        return chrome

    def _launch_free(self, session: SessionFolder) -> Chrome:
        """Start a Chrome in the first folder that no other one has, in this process or another."""
        for number in count(1):
            with contextlib.suppress(ProfileInUse):
                return self._local.launch(session.shared_browser(number))
        raise AssertionError("numbers do not end")

    def _leave(self, shared: SharedChrome) -> None:
        """Give a seat up. A Chrome ends with its last guest, or once it is of no use."""
        with self._seating:
            shared.guests -= 1
            goes_on = shared.guests > 0 and shared.chrome.is_running
            if not goes_on:
                self._chromes = [each for each in self._chromes if each is not shared]
        if not goes_on:
            shared.chrome.close(politely=False)


class ContextBrowser:
    """One account's context in a shared Chrome: all that the account sees of it."""

    has_profile = False
    shares_login = True
    tab: ChromeTab

    def __init__(self, chrome: Chrome, claim: ProfileClaim, way: WayOut, leave: Callable[[], None]) -> None:
        """`claim` keeps other processes from the account. `leave` gives its seat up, which may end the Chrome.

        `way` is the account's own way out; `close` closes it.
        """
        self._chrome = chrome
        self._claim = claim
        self._way = way
        self._leave = leave
        self._context: Context | None = None
        self._tabs = OpenTabs()

    def start(self) -> None:
        """Open the way out, the context and its first tab. Raises ATTACH_ERRORS, BrowserError."""

        def turn(driver: WebDriver) -> str:
            self._context = open_context(driver, self._way.url)
            return self._context.handle

        self._way.open()
        self.tab = self._new_tab(turn)

    @property
    def is_running(self) -> bool:
        """Whether it is open in a Chrome that runs. Does not ask the browser; for any thread."""
        return not self._tabs.is_closed and self._chrome.is_running

    @property
    def is_current(self) -> bool:
        """Whether the account's proxy is still the one it was opened with. Reads a file; for any thread."""
        return self._way.is_current

    def open_tab(self) -> ChromeTab:
        """Open one more tab in the context, with a driver session of its own. Raises DRIVER_ERRORS."""
        context = self._context
        if context is None or self._tabs.is_closed:
            raise WebDriverException("the browser is not open")
        return self._new_tab(lambda driver: open_context_tab(driver, context.id))

    def close(self, *, politely: bool = True) -> None:
        """End the context with its tabs, and free the account. Bounded in time, idempotent; any thread may call.

        There is nothing to write to a disk, and Chrome also ends a tab whose driver hangs: both ways are the same.
        """
        tabs = self._tabs.close()
        if tabs is None:
            return
        self._end_context(tabs)
        self._way.close()
        self._leave()
        self._claim.release()

    def _end_context(self, tabs: list[ChromeTab]) -> None:
        """Leave no trace in the Chrome, which others may share. One that does not obey hangs for all, so it ends."""
        try:
            if self._context:
                close_context(self.tab.driver, self._context.id)
        except WebDriverException as error:
            log.warning("a browser context did not end: %s", error.msg)
        except OSError as error:
            if self._chrome.is_running:
                log.warning("a shared browser does not obey, so it is ended: %s", error)
            self._chrome.close(politely=False)
            return
        for tab in tabs:
            end_session(tab.driver)

    def _new_tab(self, turn: Callable[[WebDriver], str]) -> ChromeTab:
        tab = ChromeTab(self._attach, self._close_tab, self._way.trouble, turn)
        if not self._tabs.add(tab):
            end_session(tab.driver)
            raise WebDriverException("the browser was closed meanwhile")
        return tab

    def _attach(self) -> WebDriver:
        try:
            return self._attach_once()
        except ATTACH_ERRORS:
            # A session goes to any tab first, which may be another account's that closed just then.
            if not self._chrome.is_running:
                raise
            return self._attach_once()

    def _attach_once(self) -> WebDriver:
        with freed_when_late(self._chrome.devtools):
            return self._chrome.attach()

    def _close_tab(self, tab: ChromeTab, politely: bool) -> None:
        place = self._tabs.leave(tab)
        if place == "last":
            self.close(politely=politely)
        elif place == "one of many":
            with contextlib.suppress(WebDriverException, OSError):  # a tab that crashed has gone
                close_context_tab(tab.driver, tab.handle)
            end_session(tab.driver)
