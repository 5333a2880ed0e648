"""An account's page on the site, kept fit for as long as its browser is open.

Login and cookies of a page run out, and only the page itself renews them, when it loads. So the page is loaded anew in
time, between two answers; where answers leave no gap, a second tab of the same browser takes over, and the first one
closes when its answers are done. The pool holds one of these for each open account; requests meet it as a Page. Knows
neither the registry nor what the site's answers mean.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.launching import Browser
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.page_login import Before, Login
from qwenproxy.browser.response import TabResponse
from qwenproxy.browser.site import Loaded, Site, load_again
from qwenproxy.browser.tab import Tab
from qwenproxy.browser.tokens import token_expiry
from qwenproxy.errors import ProxyError, TabLost
from qwenproxy.observe import journal

log = logging.getLogger(__name__)

LEAD = 180.0  # seconds before the end of login or cookies from which the page may be loaded anew
LAST_CALL = 45.0  # seconds before it from which a second tab takes over if need be
NEAR = 3.0  # seconds: what has no more than this left is not waited for; the page surely renews it once it has ended
GAP_WAIT = 0.5  # seconds in which a page that was refused may still find a gap between its answers
YOUNG = 10.0  # seconds for which a page that was loaded may still be renewing its login
POLL = 5.0  # seconds between two looks at the clock, which a person may set


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What keeping a page fit needs from outside.

    `clock` gives seconds since 1970, `poll` is the longest pause between two looks at it. `keep_login` hears of each
    token that the page renewed, `note_refusal` of what kept a page from being loaded; neither must raise.
    `renewable` tells that the page is known to renew its token.
    """

    keep_login: Callable[[Login], None]
    note_refusal: Callable[[ProxyError], None]
    clock: Callable[[], float] = time.time
    poll: float = POLL
    renewable: bool = True


def lead_times(left: float) -> tuple[float, float]:
    """Return how long before its end a page is due to be loaded, and when a second tab takes over at the latest.

    `left` is what it has left when it was loaded; all in seconds. A page that did not renew its login when it was
    loaded is asked again and again, ever closer to the end, since it may do so only shortly before.
    """
    if left <= NEAR:
        return 0.0, 0.0
    return min(LEAD, left / 3), min(LAST_CALL, left / 8)


class KeptPage:
    """A page, its tab or tabs, and the thread that keeps it fit."""

    def __init__(self, name: str, browser: Browser, site: Site, loaded: Loaded, upkeep: Upkeep) -> None:
        """Take over a browser whose first tab has loaded the page; `loaded` is what it has."""
        self.name = name
        self.origin = site.origin
        self._browser = browser
        self._site = site
        self._upkeep = upkeep
        self._loading = threading.Lock()  # around each load: two at once might renew the same login twice
        self._gate = threading.Lock()  # around the choice of the tab
        self._news = threading.Event()
        self._hurry = threading.Event()  # somebody waits for the page to be loaded
        self._closing = False
        self._kept_token = loaded.token
        self._new_login: Login | None = None
        self._renews = upkeep.renewable
        self._tab = Tab(name, browser.tab, site, loaded.token, self._note_token)
        self._tabs = [self._tab]
        self.loads = 0
        self.unrenewed = False  # whether a load for a refused login brought no new one, and the page stayed
        self._used = False  # since the page was loaded
        self._ends: float | None = None
        self._due: float | None = None
        self._last_call: float | None = None
        self._note_loaded(loaded)
        self._thread = threading.Thread(target=self._keep_fit, name=f"page-{name}", daemon=True)
        self._thread.start()

    @property
    def token(self) -> str:
        """The token the page has now."""
        return self._tab.token

    @property
    def alive(self) -> bool:
        """Whether the page can still take calls, as far as is known without asking the browser."""
        return self._tab.alive and self._browser.is_running

    @property
    def is_fit(self) -> bool:
        """Whether login and cookies are good, as far as their dates tell."""
        return self._ends is None or self._upkeep.clock() < self._ends

    @property
    def renewable(self) -> bool:
        """Whether the page is known to renew its login."""
        return self._renews

    @property
    def age(self) -> float:
        """The seconds since the page was loaded last."""
        return self._upkeep.clock() - self._loaded_at

    def fetch(self, request: PageRequest) -> TabResponse:
        """Start a call in the page. Raises TabLost."""
        with self._gate:
            self._used = True
            return self._tab.fetch(request)

    def send(self, request: PageRequest) -> None:
        """Start a call whose answer nobody waits for. Never raises."""
        with self._gate:
            self._tab.send(request)

    def make_fit(self) -> None:
        """Load the page anew if its login or its cookies have run out; waits for that.

        Raises what keeps the page from being loaded: NetworkFailed, NotLoggedIn, VerificationRequired, TabLost.
        """
        seen = self.loads
        if not self.is_fit:
            self.renew(seen)

    def renew(self, seen: int, *, suspect: bool = False) -> bool:
        """Load the page anew because it was refused; False where that was done since it counted `seen` loads.

        With a `suspect` login the load waits for another one. Raises as `make_fit`.
        """
        self._hurry.set()
        with self._loading:
            self._hurry.clear()
            if self.loads != seen:
                return False
            log.info("account=%s the page is loaded anew after a refusal", self.name)
            self._load(until=0.0, suspect=suspect)
        return True

    def distrust(self) -> None:
        """Let the next request find the page in need of being loaded anew."""
        self._ends = 0.0

    def close(self) -> None:
        """Close every tab and the browser; what is under way ends with TabLost. Bounded in time, idempotent."""
        self._closing = True
        self._hurry.set()
        self._news.set()
        with self._gate:
            tabs = list(self._tabs)
        for tab in tabs:
            tab.close()
        self._browser.close(politely=False)  # a tab that was just opening is in nobody's list
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _note_token(self, token: str) -> None:
        # From the tab's owner thread, which has no time for disks.
        self._news.set()

    def _note_loaded(self, loaded: Loaded) -> None:
        self._loaded_at = self._upkeep.clock()
        left = loaded.cookies_left
        self._cookies_end = None if left is None else self._loaded_at + left
        self._plan(loaded.token)

    def _plan(self, token: str) -> None:
        """Find out until when the page is fit: `_ends`, `_last_call` and `_due` are moments (s since 1970)."""
        now = self._upkeep.clock()
        token_end = token_expiry(token) if self._renews else None  # no load helps a token that nothing renews
        ends = [end for end in (token_end, self._cookies_end) if end is not None and end > now]
        self._ends = min(ends, default=None)
        self._due = self._last_call = None
        if self._ends is None:
            return  # nothing is known, or the clock is wrong: the site's refusals will tell
        due, last_call = lead_times(self._ends - now)
        self._due, self._last_call = self._ends - due, self._ends - last_call

    def _keep_fit(self) -> None:
        while not self._closing and self.alive:
            self._news.wait(self._pause())
            self._news.clear()
            self._keep_token()
            with self._gate:
                self._tabs = [tab for tab in self._tabs if tab.alive or tab is self._tab]
            if self._used and self._due is not None and self._upkeep.clock() >= self._due:
                self._load_in_time()
        self._keep_token()

    def _pause(self) -> float:
        if self._due is None:
            return self._upkeep.poll
        return min(max(self._due - self._upkeep.clock(), 0.01), self._upkeep.poll)

    def _keep_token(self) -> None:
        token = self._tab.token
        if token and token != self._kept_token:
            self._kept_token = token
            self._renews = True
            self._plan(token)
            login, self._new_login = self._new_login, None
            self._upkeep.keep_login(login if login and login.token == token else Login(token))

    def _load_in_time(self) -> None:
        with self._loading:
            due = self._due
            if self._closing or due is None or self._upkeep.clock() < due:
                return  # a request was quicker
            try:
                self._load(until=self._last_call or 0.0)
            except ProxyError as error:
                if not self._closing:
                    log.warning("account=%s the page could not be loaded anew: %s", self.name, error.message)
                    self._upkeep.note_refusal(error)

    def _load(self, until: float, *, suspect: bool = False) -> None:
        """Load the page anew: in its tab once nothing runs there, in a second tab where that lasts longer than `until`.

        The lock is held. Raises what keeps the page from being loaded.
        """
        begun = time.monotonic()
        self._used = False
        load = partial(self._load_again, refused=suspect, young=self.age < YOUNG)
        wanted = self._tab.load_page(load)
        loaded = wanted.wait(GAP_WAIT)
        while loaded is None and self._upkeep.clock() < until and not self._hurry.is_set():
            loaded = wanted.wait(min(self._upkeep.poll, GAP_WAIT))
        second_tab = False
        if loaded is None and wanted.withdraw():
            if self._closing:
                raise TabLost("The browser was closed while its page was to be loaded.")
            loaded, second_tab = self._take_over(load), True
        loaded = loaded or wanted.wait()
        assert loaded is not None
        if loaded.token:
            self._new_login = loaded.login
            self._tab.token = loaded.token
        self.unrenewed = suspect and not loaded.renewed
        self.loads += 1
        self._note_loaded(loaded)
        self._news.set()
        journal.note(journal.PageLoaded(self.name, time.monotonic() - begun, second_tab))

    def _load_again(self, tab: ChromeTab, *, refused: bool, young: bool) -> Loaded:
        before = Before(self._tab.token, refused, young, self._renews)
        return load_again(tab, self._site, before, self._upkeep.clock)

    def _take_over(self, load: Callable[..., Loaded]) -> Loaded:
        try:
            window = self._browser.open_tab()
            try:
                loaded = load(window, young=False)  # which has no page yet that could be renewing
            except BaseException:
                window.close()
                raise
        except DRIVER_ERRORS as error:
            raise TabLost(f"The browser opened no second tab ({type(error).__name__}).") from error
        fresh = Tab(self.name, window, self._site, loaded.token, self._note_token)
        with self._gate:
            old, self._tab = self._tab, fresh
            self._tabs.append(fresh)
        old.retire()
        return loaded
