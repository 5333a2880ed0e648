"""The watch over a login window: looks at its page now and then until a login is there.

window.py opens the window, the caller stands for its person. Touches nothing in the page: no typing, no clicking, no
captcha solving. The caller decides what the person reads.
Source: protocol 1.2 and 1.4.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from qwenproxy.accounts.account import Account, is_verify
from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab, is_dialog
from qwenproxy.browser.launching import Browser, Launcher
from qwenproxy.browser.navigation import unreached
from qwenproxy.browser.page import Head
from qwenproxy.browser.page_login import token_cookie
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.browser.site import Site
from qwenproxy.browser.tokens import token_expiry, token_user
from qwenproxy.errors import NotLoggedIn, ProxyError, SetupError, VerificationRequired
from qwenproxy.texts import Phrase
from qwenproxy.upstream import calls
from qwenproxy.upstream.identity import user_id_from

LOOK_EVERY = 0.7  # seconds between two looks at the page
ASK_EVERY = 5.0  # seconds until the site is asked again about the same token
LINGER = 20.0  # seconds the window of a working VERIFY account stays open, for the check to show up
SDK_WAIT = 10.0  # seconds the page's own scripts get to patch fetch before the site is asked without them

LOOK = """
const token = (() => { try { return localStorage.getItem("token") || ""; } catch { return ""; } })();
const patched = window.__baxia__ || window.baxiaCommon
  || !/\\[native code\\]/.test(Function.prototype.toString.call(window.fetch));
return {
  origin: location.origin,
  failed: location.protocol === "chrome-error:",
  token,
  settled: document.readyState === "complete" && (!!patched || performance.now() > arguments[0]),
  verification: document.title.includes("Verification") || location.pathname.includes("_____tmd_____")
    || !!document.querySelector("#baxia-dialog-content"),
};
"""
ASK = """
const [path, headers, token, done] = arguments;
if (!/(^|;\\s*)token=/.test(document.cookie)) headers.authorization = "Bearer " + token;
window.fetch(path, { headers }).then(
  async answer => done([answer.status, Object.fromEntries(answer.headers), await answer.text()]),
).catch(() => done(null));
"""

Step = Literal["opening", "waiting", "verification", "works", "closing"]
Outcome = Literal["closed", "timeout", "no_display", "unproven", "idle"]
Verdict = Literal["in", "out", "verification", "unclear", "silent"]


class LoginFailed(SetupError):
    """The login did not succeed; `outcome` says why. Nothing changed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(Phrase("login_unfinished", outcome=outcome))
        self.outcome = outcome


class Person(Protocol):
    """The person at the terminal, as far as a login needs one."""

    @property
    def present(self) -> bool:
        """Whether somebody can press ENTER."""

    def show(self, step: Step, remaining: float) -> None:
        """Show the step of the login; `remaining` is in seconds."""

    def pause(self, seconds: float) -> bool:
        """Wait for `seconds` or for ENTER; return True for ENTER. Raises KeyboardInterrupt to cancel."""


@dataclass(frozen=True, slots=True)
class Login:
    """A finished login; `user_id` is its person's, None if neither token nor site names one.

    `proven` is False for an account that still worked if nobody did anything: no new login, no check solved, no ENTER.
    """

    token: str = field(repr=False)
    user_id: str | None
    proven: bool


@dataclass(frozen=True, slots=True)
class LoginWindow:
    """Where and how a login takes place.

    `sign_in` is the address where the login begins, "" for the site's own. `login_wait` is in seconds, and `clock` is
    monotonic. `proxy` is for a new account to keep. `on_open` gets the tab before the site is there. With `stays` the
    window of an account that is not INVALID stays open until its person has done what they came for.
    """

    site: Site
    launcher: Launcher
    login_wait: float = 600.0
    sign_in: str = ""
    clock: Callable[[], float] = time.monotonic
    proxy: ProxyAddress | None = None
    on_open: Callable[[ChromeTab], None] = lambda _: None
    stays: bool = False


class Watch:
    """The looks at one login window, until the login is there."""

    def __init__(self, browser: Browser, window: LoginWindow, person: Person, account: Account | None = None) -> None:
        self._tab = browser.tab
        self._driver = browser.tab.driver
        self._window = window
        self._clock = window.clock
        self._person = person
        self._account_token = account.token if account else ""
        stays = window.stays and account is not None and not account.invalid
        self._lingers = stays or (account is not None and is_verify(account, time.time()))
        self._linger = math.inf if stays else LINGER
        self._linger_until = 0.0
        self._last_token = ""
        self._user_id = ""
        self._doubted = ""  # the token that the site said another person's name for
        self._ask_again_at = 0.0
        self._step: Step = "waiting"
        self._site_came_up = False

    def run(self) -> Login:
        """Return the finished login. Raises LoginFailed, NetworkFailed, KeyboardInterrupt."""
        deadline = self._clock() + self._window.login_wait
        while True:
            view = self._look()
            if view and self._is_finished(view):
                token = view["token"]
                proven = not self._lingers or token != self._account_token
                return Login(token, token_user(token) or self._user_id or None, proven)
            remaining = deadline - self._clock()
            if remaining <= 0:
                raise LoginFailed("timeout")
            self._person.show(self._step, remaining)
            if self._person.pause(min(LOOK_EVERY, remaining)):
                self._ask_again_at = 0.0
                self._lingers = False

    def _look(self) -> dict[str, Any] | None:
        """Return what the page shows, None while it shows nothing.

        Raises LoginFailed if the window is closed, NetworkFailed if the site never came up.
        """
        try:
            view: dict[str, Any] | None = self._driver.execute_script(LOOK, SDK_WAIT * 1000)
            if view and not view["token"]:  # a page that was closed right after its login may have kept only the cookie
                view["token"] = token_cookie(self._tab, self._window.site.origin)
        except DRIVER_ERRORS as error:
            if not is_dialog(error):  # its person answers it; the window is still there
                self._follow_window()
            return None
        if view is None:  # the page changed during the look
            return None
        # Later on the person sees an error page too, and can load it again.
        if view["failed"] and not self._site_came_up:
            raise unreached(self._tab, self._window.site.base_url)
        self._site_came_up = self._site_came_up or str(view["origin"]).startswith("http")
        return view

    def _follow_window(self) -> None:
        """Switch to the newest open tab: sign-in by another service may close the first one."""
        try:
            handles = self._driver.window_handles
            if handles:
                self._driver.switch_to.window(handles[-1])
                return
        except DRIVER_ERRORS as error:
            raise LoginFailed("closed") from error
        raise LoginFailed("closed")

    def _is_finished(self, view: dict[str, Any]) -> bool:
        if view["verification"]:
            self._step = "verification"
            self._lingers = False
            return False
        self._step = "works" if self._linger_until else "waiting"
        if not view["settled"] or not view["token"] or view["origin"].lower() != self._window.site.base_url.lower():
            return False
        if view["token"] == self._last_token and self._clock() < self._ask_again_at:
            return False
        verdict = self._ask(view["token"])
        self._last_token, self._ask_again_at = view["token"], self._clock() + ASK_EVERY
        if verdict == "verification":
            self._step = "verification"
            self._lingers = False
        if verdict == "in" and self._is_in_doubt(view["token"]):
            return False
        return verdict in ("in", "unclear") and (verdict == "in" or self._is_new(view["token"])) and not self._stays()

    def _is_in_doubt(self, token: str) -> bool:
        """Tell whether token and site name different people: between look and question somebody else logged in.

        A second answer about the same token counts, should the site ever name people in two ways.
        """
        user_id = token_user(token)
        is_in_doubt = bool(user_id and self._user_id and user_id != self._user_id) and token != self._doubted
        self._doubted = token if is_in_doubt else ""
        return is_in_doubt

    def _is_new(self, token: str) -> bool:
        """Tell whether a token must come from a login in this window, in case the site answers in an unknown form."""
        expires_at = token_expiry(token)
        return token != self._account_token and expires_at is not None and expires_at > time.time()

    def _stays(self) -> bool:
        """Tell whether the window of a VERIFY account stays a little: the check may show up only later."""
        if not self._lingers:
            return False
        now = self._clock()
        self._linger_until = self._linger_until or now + self._linger
        self._step = "works"
        return now < self._linger_until

    def _ask(self, token: str) -> Verdict:
        probe = calls.profile()
        try:
            answer = self._driver.execute_async_script(ASK, probe.path, dict(probe.headers), token)
        except DRIVER_ERRORS:
            return "silent"
        if answer is None:
            return "silent"
        self._user_id = ""
        try:
            self._user_id = user_id_from(Head(answer[0], answer[1]), answer[2])
        except NotLoggedIn:
            return "out"
        except VerificationRequired:
            return "verification"
        except ProxyError:
            return "unclear"
        return "in"
