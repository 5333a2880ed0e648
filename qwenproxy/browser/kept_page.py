"""An account's page on the site, and the thread that keeps its login and cookies fresh.

Only the page itself renews login and cookies, when it loads. So we reload it before they run out, between two answers;
if answers leave no gap, a second tab of the same browser takes over, and the first one closes after its answers. The
pool holds one KeptPage for each open account; requests see it as a Page. Knows neither the registry nor what the site's
answers mean.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.launching import Browser
from qwenproxy.browser.login_readings import LoginReadings
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.page_login import Before, Login
from qwenproxy.browser.response import TabResponse
from qwenproxy.browser.site import Loaded, Site, load_again
from qwenproxy.browser.tab import Tab
from qwenproxy.browser.tokens import is_fresher, token_expiry
from qwenproxy.browser.upkeep import Upkeep, lead_times
from qwenproxy.errors import ProxyError, TabLost
from qwenproxy.observe import journal

log = logging.getLogger(__name__)

GAP_WAIT = 0.5  # seconds to wait for a gap between answers, even after a refusal
YOUNG = 10.0  # seconds after a load in which the page may still be renewing its login
LITTER = 20_000_000  # bytes of garbage from which a page is loaded anew whose driver cannot clean up otherwise
MOST_LITTER = 100_000_000  # bytes from which a further tab takes over, if answers leave no gap


class KeptPage:
    """A page, its tab or tabs, and the thread that loads it anew in time."""

    def __init__(self, name: str, browser: Browser, site: Site, state: Loaded, upkeep: Upkeep) -> None:
        """Take over a browser whose first tab shows the page; `state` is the page's login."""
        self.name = name
        self.origin = site.origin
        self._browser = browser
        self._site = site
        self._upkeep = upkeep
        self._loading = threading.Lock()  # around each load: two at once could renew the same login twice
        self._gate = threading.Lock()  # around the choice of the tab
        self._news = threading.Event()
        self._hurry = threading.Event()  # a request waits for the load
        self._closing = False
        self._given_up = False
        self._kept_token = state.token
        self._new_login: Login | None = None
        self._readings = LoginReadings(site.origin, upkeep.clock, self._news.set)
        self._renews = upkeep.renewable
        self._tab = Tab(name, browser.tab, site, state.token, self._note_token)
        self._tabs = [self._tab]
        self.loads = 0
        self.unrenewed = False  # whether the last load was for a refused login and brought no new one
        self._used = False  # since the last load
        self._fit_until: float | None = None
        self._due_at: float | None = None
        self._last_call_at: float | None = None
        self._note_load(state)
        self._thread = threading.Thread(target=self._keep_fit, name=f"page-{name}", daemon=True)
        self._thread.start()
        upkeep.note_load(self._tab)

    @property
    def token(self) -> str:
        """The token the page has now."""
        return self._tab.token

    @property
    def alive(self) -> bool:
        """Whether the page can still take calls. Does not ask the browser."""
        return not self._given_up and self._tab.alive and self._browser.is_running

    @property
    def given_up(self) -> bool:
        """Whether we gave the browser up, so that its end is ours."""
        return self._given_up

    @property
    def is_fit(self) -> bool:
        """Whether login and cookies are good by their dates."""
        return self._fit_until is None or self._upkeep.clock() < self._fit_until

    @property
    def is_current(self) -> bool:
        """Whether the account has still the settings of the browser's launch. May read a file."""
        return self._browser.is_current

    @property
    def renewable(self) -> bool:
        """Whether the page has ever renewed its login."""
        return self._renews

    @property
    def age(self) -> float:
        """Seconds since the last load of the page."""
        return self._upkeep.clock() - self._loaded_at

    def fetch(self, request: PageRequest) -> TabResponse:
        """Start a call in the page. Raises TabLost."""
        with self._gate:
            self._used = True
            self._readings.note_use()
            return self._tab.fetch(request)

    def send(self, request: PageRequest) -> None:
        """Start a call and ignore its answer. Never raises."""
        with self._gate:
            self._tab.send(request)

    def make_fit(self) -> None:
        """Load the page anew if its login or its cookies have run out, and wait for it.

        Raises the failure of the load: NetworkFailed, NotLoggedIn, VerificationRequired, TabLost.
        """
        loads = self.loads
        if not self.is_fit:
            self.renew(loads)

    def renew(self, loads: int, *, suspect: bool = False) -> bool:
        """Load the page anew after a refusal, unless somebody has since it counted `loads` loads; then return False.

        With a `suspect` login the load waits for another one. Raises as `make_fit`.
        """
        self._hurry.set()
        with self._loading:
            self._hurry.clear()
            if self.loads != loads:
                return False
            log.info("account=%s the page is loaded anew after a refusal", self.name)
            self._load(lambda: False, suspect=suspect)
        return True

    def distrust(self) -> None:
        """Make the next request load the page anew."""
        self._fit_until = 0.0

    def give_up(self) -> None:
        """Take no more calls, because the browser does not reach the site: the next request opens another one."""
        self._given_up = True

    def close(self) -> None:
        """Close every tab and the browser; running calls end with TabLost. Bounded in time, idempotent."""
        self._closing = True
        self._hurry.set()
        self._news.set()
        with self._gate:
            tabs = list(self._tabs)
            self._tab.run_errand(self._readings.read)
        for tab in tabs:
            tab.close()
        self._browser.close(politely=False)  # a tab that is just opening is not in the list yet
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._keep_token()  # of the last reading

    def _note_token(self, token: str) -> None:
        # The tab's owner thread calls this, and must not wait for a disk: our own thread writes the token.
        self._news.set()

    def _note_load(self, state: Loaded) -> None:
        self._loaded_at = self._upkeep.clock()
        lifetime = state.cookies_left
        self._cookies_end = None if lifetime is None else self._loaded_at + lifetime
        self._plan(state.token)

    def _plan(self, token: str) -> None:
        """Set `_fit_until`, `_due_at` and `_last_call_at` (s since 1970; None for unknown)."""
        now = self._upkeep.clock()
        token_end = token_expiry(token) if self._renews else None  # a page that never renews gains nothing by a load
        ends = [end for end in (token_end, self._cookies_end) if end is not None and end > now]
        self._fit_until = min(ends, default=None)
        self._due_at = self._last_call_at = None
        if self._fit_until is None:
            return  # there are no dates, or the clock is wrong: wait for a refusal
        lead, last_call = lead_times(self._fit_until - now)
        self._due_at, self._last_call_at = self._fit_until - lead, self._fit_until - last_call

    def _keep_fit(self) -> None:
        while not self._closing and self.alive:
            self._news.wait(self._pause())
            self._news.clear()
            self._keep_token()
            with self._gate:
                self._tabs = [tab for tab in self._tabs if tab.alive or tab is self._tab]
                if self._readings.take_due():
                    self._tab.run_errand(self._readings.read)
            if self._is_due():
                self._load_in_time()
        self._keep_token()

    def _pause(self) -> float:
        if self._due_at is None:
            return self._upkeep.poll
        return min(max(self._due_at - self._upkeep.clock(), 0.01), self._upkeep.poll)

    def _keep_token(self) -> None:
        """Hand on a renewed token, or else what a reading brought."""
        reading = self._readings.take()
        if reading and is_fresher(reading.token, self._tab.token):
            self._tab.token = reading.token
        token = self._tab.token
        if token and token != self._kept_token:
            self._kept_token = token
            self._renews = True
            self._plan(token)
            logins, self._new_login = (reading, self._new_login), None
            login = next((one for one in logins if one and one.token == token), Login(token))
            self._upkeep.keep_login(login)
            if not login.cookies:
                # At once: a browser that dies before has spent the refresh that we know, and its login with it.
                self._readings.note_order()
                with self._gate:
                    self._tab.run_errand(self._readings.read, urgent=True)
        elif reading and reading.token == token:
            self._upkeep.keep_login(reading)

    def _is_due(self) -> bool:
        """Return True if login or cookies soon run out, or if the page is full of what calls left there."""
        if self._tab.litter >= LITTER and not self._browser.tab.pace.renews_session:
            return True
        return self._used and self._due_at is not None and self._upkeep.clock() >= self._due_at

    def _may_wait(self) -> bool:
        return self._tab.litter < MOST_LITTER and self._upkeep.clock() < (self._last_call_at or math.inf)

    def _load_in_time(self) -> None:
        with self._loading:
            if self._closing or not self._is_due():
                return  # a request was quicker
            try:
                self._load(self._may_wait)
            except ProxyError as error:
                if not self._closing:
                    log.warning("account=%s the page could not be loaded anew: %s", self.name, error.message)
                    self._upkeep.note_refusal(error)

    def _load(self, may_wait: Callable[[], bool], *, suspect: bool = False) -> None:
        """Load the page anew: in its tab once no call runs there, in a second tab if it may not wait for that.

        Call it with `_loading` held. Raises the failure of the load.
        """
        start = time.monotonic()
        self._used = False
        load = partial(self._load_again, refused=suspect, young=self.age < YOUNG)
        order = self._tab.load_page(load)
        state = order.wait(GAP_WAIT)
        while state is None and may_wait() and not self._hurry.is_set():
            state = order.wait(min(self._upkeep.poll, GAP_WAIT))
        second_tab = False
        if state is None and order.withdraw():
            if self._closing:
                raise TabLost("The browser was closed while its page was to be loaded.")
            state, second_tab = self._take_over(load), True
        state = state or order.wait()
        assert state is not None
        if state.token:
            self._new_login = state.login
            self._tab.token = state.token
        self.unrenewed = suspect and not state.renewed
        self.loads += 1
        self._note_load(state)
        self._news.set()
        journal.note(journal.PageLoaded(self.name, time.monotonic() - start, second_tab))
        self._upkeep.note_load(self._tab)

    def _load_again(self, tab: ChromeTab, *, refused: bool, young: bool, login: Login | None = None) -> Loaded:
        before = Before(self._tab.token, refused, young, self._renews)
        return load_again(tab, self._site, before, self._upkeep.clock, login)

    def _take_over(self, load: Callable[..., Loaded]) -> Loaded:
        try:
            window = self._browser.open_tab()
            login = None if self._browser.shares_login else self._upkeep.read_login() or Login(self._tab.token)
            try:
                state = load(window, young=False, login=login)  # the new tab has no page that could be renewing
            except BaseException:
                window.close()
                raise
        except DRIVER_ERRORS as error:
            raise TabLost(f"The browser opened no second tab ({type(error).__name__}).") from error
        successor = Tab(self.name, window, self._site, state.token, self._note_token)
        with self._gate:
            predecessor, self._tab = self._tab, successor
            self._tabs.append(successor)
        predecessor.retire()
        return state
