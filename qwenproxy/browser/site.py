"""Bring a tab to the site's page as one account: login in place, bridge installed, page loaded, login renewed.

Runs before tab.py takes a tab over, and again whenever kept_page.py wants the page loaded anew. Only the page itself
renews a login; here is waited for it. Source: protocol 1.2, 1.7, 6.4 and 9.2.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.navigation import await_challenge, navigate
from qwenproxy.browser.page_login import (
    Before,
    Login,
    await_token,
    cookies_left,
    has_token,
    origin_of,
    put_login,
    read_login,
    token_cookie,
)
from qwenproxy.browser.tokens import is_fresher
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import TabLost

SDK_WAIT = 10.0  # seconds the page's own scripts get to patch fetch before calls go out without them
DEFAULT_VERSION = "0.3.12"
BOOT_WAIT = 2.5  # seconds a page that was loaded just now gets to renew a login that was refused


@functools.cache  # read before a tab has its owner thread, which must not touch a disk
def _bridge_source() -> str:
    return resources.files("qwenproxy.browser").joinpath("bridge.js").read_text(encoding="utf-8").rstrip()


@dataclass(frozen=True, slots=True)
class Site:
    """The site's address (no trailing slash) and the value of its `version` header ("": read from the page)."""

    base_url: str
    version: str = ""

    @property
    def origin(self) -> str:
        """The origin as a page of the site names it: lower case, without the scheme's own port."""
        return origin_of(self.base_url)

    def bridge(self) -> str:
        """Return the JavaScript that installs the bridge in a page that has none."""
        options = {
            "version": self.version,
            "defaultVersion": DEFAULT_VERSION,
            "sdkWait": int(SDK_WAIT * 1000),
        }
        return f"{_bridge_source()}({json.dumps(options)});"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a page has once it was loaded: its login, whether the page renewed it, and how long its cookies last (s).

    The login has cookies where it is a new one, so that they can be kept.
    """

    login: Login = field(default_factory=Login)
    renewed: bool = False
    cookies_left: float | None = None

    @property
    def token(self) -> str:
        """The page's token, "" for none."""
        return self.login.token


def load_site(tab: ChromeTab, site: Site, folder: AccountFolder, login: Login, clock: Callable[[], float]) -> Loaded:
    """Open the site's page for the first time in a browser, logged in as the account whose login is given.

    A token the profile does not carry yet is put there before the first page load, unless the profile has a newer one
    of the same person. `clock` gives seconds since 1970.
    Raises NetworkFailed (site not reached), VerificationRequired, NotLoggedIn (sent to sign-in), TabLost.
    """
    token = login.token
    try:
        tab.install(site.bridge())
        if not token or _carries(tab, site, folder, token):
            navigate(tab, site.base_url)
        # A browser that was killed before it wrote its profile to disk has lost the login that the mark speaks of.
        if token and not (_carries(tab, site, folder, token) and has_token(tab, site.origin)):
            put_login(tab, site.base_url, login)
        loaded = _loaded(tab, site, Before(token), clock)
    except DRIVER_ERRORS as error:
        raise TabLost(f"The browser went away while it opened the site: {type(error).__name__}") from error
    remember_token(folder, site, loaded.token or token)
    return loaded


def load_again(tab: ChromeTab, site: Site, before: Before, clock: Callable[[], float]) -> Loaded:
    """Load the site's page anew, or in a further tab, which lets the page renew login and cookies.

    A young page whose login was refused is waited for first. Raises as `load_site`, and the driver's own errors.
    """
    if before.refused and before.young and before.renewable:
        renewed = await_token(tab, site.origin, before, clock, BOOT_WAIT)
        if renewed and renewed != before.token:
            return Loaded(read_login(tab, renewed), True, cookies_left(tab, site.origin))
    tab.install(site.bridge())
    navigate(tab, site.base_url)
    return _loaded(tab, site, before, clock)


def remember_token(folder: AccountFolder, site: Site, token: str) -> None:
    """Note that the profile in `folder` carries this token, so that it is not put there again."""
    folder.planted.write_text(_mark(site, token))
    folder.planted.chmod(0o600)


def _loaded(tab: ChromeTab, site: Site, before: Before, clock: Callable[[], float]) -> Loaded:
    """Wait until a page that was navigated to is fit; return what it has."""
    await_challenge(tab)
    token = await_token(tab, site.origin, before, clock)
    renewed = bool(token) and token != before.token
    login = read_login(tab, token) if renewed else Login(token)
    return Loaded(login, renewed, cookies_left(tab, site.origin))


def _carries(tab: ChromeTab, site: Site, folder: AccountFolder, token: str) -> bool:
    """Tell whether the profile carries this token or a newer one, which a page renewed just before a server ended."""
    cookie = token_cookie(tab, site.origin)
    if is_fresher(token, cookie):
        return False  # the browser was killed before it wrote down what the page had renewed
    return _is_planted(folder, site, token) or is_fresher(cookie, token)


def _is_planted(folder: AccountFolder, site: Site, token: str) -> bool:
    return folder.planted.exists() and folder.planted.read_text() == _mark(site, token)


def _mark(site: Site, token: str) -> str:
    return hashlib.sha256(f"{site.base_url} {token}".encode()).hexdigest()
