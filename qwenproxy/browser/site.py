"""Bring a tab to the site's page as one account: put the login there, install the bridge, load, await the renewal.

Runs before tab.py takes a tab over, and again each time kept_page.py orders a load. Source: protocol 1.2, 1.7, 6.4
and 9.2.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import resources
from urllib.parse import urlsplit

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.navigation import await_challenge, navigate
from qwenproxy.browser.page_login import (
    Before,
    Login,
    await_token,
    cookies_left,
    has_cookies,
    has_token,
    navigate_as,
    origin_of,
    put_login,
    read_login,
    token_cookie,
)
from qwenproxy.browser.tokens import is_fresher
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import TabLost

SDK_WAIT = 10.0  # seconds for the page's own scripts to patch fetch, before we call without them
DEFAULT_VERSION = "0.3.12"
BOOT_WAIT = 2.5  # seconds for a page that was loaded just now to renew a refused login


@functools.cache  # the first read is before a tab's owner thread starts, which must not wait for a disk
def _bridge_source() -> str:
    return resources.files("qwenproxy.browser").joinpath("bridge.js").read_text(encoding="utf-8").rstrip()


@dataclass(frozen=True, slots=True)
class Site:
    """The site's address (no trailing slash) and the value of its `version` header ("": read from the page)."""

    base_url: str
    version: str = ""

    @property
    def origin(self) -> str:
        """The site's `location.origin`: lower case, without the scheme's default port."""
        return origin_of(self.base_url)

    @property
    def is_local(self) -> bool:
        """Whether the site is on this machine: a stand-in."""
        return urlsplit(self.base_url).hostname in ("localhost", "127.0.0.1", "::1")

    def bridge(self) -> str:
        """Return the JavaScript that installs the bridge in a page without one."""
        options = {
            "version": self.version,
            "defaultVersion": DEFAULT_VERSION,
            "sdkWait": int(SDK_WAIT * 1000),
        }
        return f"{_bridge_source()}({json.dumps(options)});"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of a load: the page's login, whether the page renewed it, and how long its cookies last (s).

    Only a new login has cookies, for the caller to store.
    """

    login: Login = field(default_factory=Login)
    renewed: bool = False
    cookies_left: float | None = None

    @property
    def token(self) -> str:
        """The page's token, "" for none."""
        return self.login.token


def load_site(
    tab: ChromeTab, site: Site, folder: AccountFolder | None, login: Login, clock: Callable[[], float]
) -> Loaded:
    """Open the site's page for the first time in a browser, with the login of an account.

    A browser without any cookie gets the whole login before the page loads. A profile wins while it is good: it gets
    the token, unless it has it, or a newer one of the same person, and the storage if its own is empty.
    `folder` is the one with the profile, None for a browser that has none. `clock` gives seconds since 1970.
    Raises NetworkFailed (site not reached), VerificationRequired, NotLoggedIn (sent to sign-in), TabLost.
    """
    token = login.token
    try:
        tab.install(site.bridge())
        if token and (folder is None or not has_cookies(tab)):
            put_login(tab, site.base_url, login)
        else:
            _load_profile(tab, site, folder, login)
        state = _await_login(tab, site, Before(token), clock)
    except DRIVER_ERRORS as error:
        raise TabLost(f"The browser went away while it opened the site: {type(error).__name__}") from error
    if folder:
        remember_token(folder, site, state.token or token)
    return state


def supply_login(tab: ChromeTab, site: Site, folder: AccountFolder | None, login: Login) -> bool:
    """Go to the site's page with the login of an account if the browser lacks it; tell whether it did.

    For a window whose person goes on from there, so nobody waits for what the page makes of the login. `folder` is as
    for `load_site`. Raises NetworkFailed, BrowserError, and the driver's own errors.
    """
    if not _lacks(tab, site, folder, login.token):
        return False
    _put(tab, site, login)
    return True


def load_again(
    tab: ChromeTab, site: Site, before: Before, clock: Callable[[], float], login: Login | None = None
) -> Loaded:
    """Load the site's page anew, or in a further tab, so that the page renews login and cookies.

    A young page may be renewing a refused login: wait for that first. `login` is put into a tab that has none, because
    it is in a browser of its own. Raises as `load_site`, and the driver's own errors.
    """
    if before.refused and before.young and before.renewable:
        renewed = await_token(tab, site.origin, before, clock, BOOT_WAIT)
        if renewed and renewed != before.token:
            return Loaded(_login_of(tab, site, renewed), True, cookies_left(tab, site.origin))
    tab.install(site.bridge())
    if login:
        put_login(tab, site.base_url, login)
    else:
        navigate(tab, site.base_url)
    return _await_login(tab, site, before, clock)


def remember_token(folder: AccountFolder, site: Site, token: str) -> None:
    """Note that the profile in `folder` has this token, so that we do not put it there again."""
    folder.planted.write_text(_mark(site, token))
    folder.planted.chmod(0o600)


def _load_profile(tab: ChromeTab, site: Site, folder: AccountFolder | None, login: Login) -> None:
    """Load the page in a browser whose profile has cookies; put the login there if the profile lacks the token."""
    token = login.token
    if not token or _carries(tab, site, folder, token):
        navigate_as(tab, site.base_url, login)
    if _lacks(tab, site, folder, token):
        _put(tab, site, login)


def _lacks(tab: ChromeTab, site: Site, folder: AccountFolder | None, token: str) -> bool:
    """Return True if there is a token to put there. Works before any page is loaded."""
    # A browser killed before it wrote its profile has lost the token, even though our mark says that it is there.
    return bool(token) and not (_carries(tab, site, folder, token) and has_token(tab, site.origin))


def _put(tab: ChromeTab, site: Site, login: Login) -> None:
    """Put a login there; cookies from before its token only into a browser without any."""
    put_login(tab, site.base_url, replace(login, cookies=()) if login.outdated and has_cookies(tab) else login)


def _await_login(tab: ChromeTab, site: Site, before: Before, clock: Callable[[], float]) -> Loaded:
    """Wait for a page after navigation to pass its challenge and renew its login; return its state."""
    await_challenge(tab)
    token = await_token(tab, site.origin, before, clock)
    renewed = bool(token) and token != before.token
    login = _login_of(tab, site, token) if renewed else Login(token)
    return Loaded(login, renewed, cookies_left(tab, site.origin))


def _login_of(tab: ChromeTab, site: Site, token: str) -> Login:
    """Return the page's login with its cookies and storage; the token alone if the page has moved on meanwhile."""
    login = read_login(tab, site.origin)
    return login if login and login.token == token else Login(token)


def _carries(tab: ChromeTab, site: Site, folder: AccountFolder | None, token: str) -> bool:
    """Return True if the profile has this token, or a newer one from a renewal just before a server ended."""
    cookie = token_cookie(tab, site.origin)
    if is_fresher(token, cookie):
        return False  # a killed browser did not write the renewed token to disk
    return (folder is not None and _is_planted(folder, site, token)) or is_fresher(cookie, token)


def _is_planted(folder: AccountFolder, site: Site, token: str) -> bool:
    return folder.planted.exists() and folder.planted.read_text() == _mark(site, token)


def _mark(site: Site, token: str) -> str:
    return hashlib.sha256(f"{site.base_url} {token}".encode()).hexdigest()
