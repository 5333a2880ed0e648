"""Bring a tab to the site's page as one account: token in place, bridge installed, page loaded, login renewed.

Runs before tab.py takes a tab over, and again whenever kept_page.py wants the page loaded anew. Only the page itself
renews a login; here is waited for it. Source: protocol 1.2, 1.7, 6.4 and 9.2.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium.common.exceptions import JavascriptException

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.errors import NetworkFailed, NotLoggedIn, TabLost, VerificationRequired
from qwenproxy.tokens import is_fresher, token_expiry

PAGE_LOAD_WAIT = 30.0  # seconds for the site's page to load
CHALLENGE_WAIT = 5.0  # seconds a script challenge of the site's firewall gets to pass by itself
SDK_WAIT = 10.0  # seconds the page's own scripts get to patch fetch before calls go out without them
DEFAULT_VERSION = "0.3.12"
COOKIE_DAYS = 30

RENEWAL_WAIT = 10.0  # seconds the page gets to renew a login that has run out, or to show that it cannot
EARLY_RENEWAL_WAIT = 3.0  # the same for one that is good for another while
SOON = 180.0  # seconds: what lives no longer than this when the page loads may be renewed by it
SHORT_LIVED_COOKIE = "acw_tc"  # the firewall's; completions without it are refused (protocol 1.2)

# The page's address once its document has been read, else the reason to wait on (or to give up).
PLACE_AND_TOKEN = """
try { return [location.origin, localStorage.getItem("token") || ""]; } catch { return [location.origin, ""]; }
"""
PAGE_STATE = "return document.readyState !== 'loading' || !location.href.startsWith('http') ? location.href : ''"


@dataclass(frozen=True, slots=True)
class Site:
    """The site's address (no trailing slash) and the value of its `version` header ("": read from the page)."""

    base_url: str
    version: str = ""

    @property
    def origin(self) -> str:
        """The origin as a page of the site names it: lower case, without the scheme's own port."""
        return _origin(self.base_url)

    def bridge(self) -> str:
        """Return the JavaScript that installs the bridge in a page that has none."""
        source = resources.files("qwenproxy.browser").joinpath("bridge.js").read_text(encoding="utf-8")
        options = {
            "version": self.version,
            "defaultVersion": DEFAULT_VERSION,
            "sdkWait": int(SDK_WAIT * 1000),
        }
        return f"{source.rstrip()}({json.dumps(options)});"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a page has once it was loaded: its login token ("" for none), and for how long its cookies last (s)."""

    token: str = field(default="", repr=False)
    cookies_left: float | None = None


def load_site(tab: ChromeTab, site: Site, folder: Path, token: str, clock: Callable[[], float]) -> Loaded:
    """Open the site's page for the first time in a browser, logged in as the account whose token is given.

    A token the profile does not carry yet is put there before the first page load: into localStorage and the cookie,
    unless the profile has a newer one of the same person. `clock` gives seconds since 1970.
    Raises NetworkFailed (site not reached), VerificationRequired, NotLoggedIn (sent to sign-in), TabLost.
    """
    try:
        tab.install(site.bridge())
        # Newer than the known one is what the page renewed just before a server was killed.
        carried = _is_planted(folder, site, token) or is_fresher(_token_cookie(tab, site), token)
        if carried or not token:
            _navigate(tab, site)
        # A browser that was killed before it wrote its profile to disk has lost the login that the mark speaks of.
        if token and not (carried and _has_token(tab, site)):
            _navigate_with_token(tab, site, token)
        loaded = _loaded(tab, site, token, clock)
    except DRIVER_ERRORS as error:
        raise TabLost(f"The browser went away while it opened the site: {type(error).__name__}") from error
    remember_token(folder, site, loaded.token or token)
    return loaded


def load_again(tab: ChromeTab, site: Site, token: str, clock: Callable[[], float]) -> Loaded:
    """Load the site's page anew, or in a further tab, which lets the page renew login and cookies.

    `token` is the one known so far. Raises as `load_site`, and the driver's own errors.
    """
    tab.install(site.bridge())
    _navigate(tab, site)
    return _loaded(tab, site, token, clock)


def _cookies_left(tab: ChromeTab, site: Site) -> float | None:
    """Return for how long the page's short-lived cookie lasts (s), None where it has none."""
    ends = [cookie["expires"] for cookie in _cookies(tab, site) if cookie["name"] == SHORT_LIVED_COOKIE]
    # By the clock of this machine, as the browser does; whoever asks may have another one.
    return max((float(end) - time.time() for end in ends if end > 0), default=None)


def remember_token(folder: Path, site: Site, token: str) -> None:
    """Note that the profile in `folder` carries this token, so that it is not planted again."""
    mark = folder / "planted"
    mark.write_text(_mark(site, token))
    mark.chmod(0o600)


def _is_planted(folder: Path, site: Site, token: str) -> bool:
    mark = folder / "planted"
    return mark.exists() and mark.read_text() == _mark(site, token)


def _loaded(tab: ChromeTab, site: Site, known: str, clock: Callable[[], float]) -> Loaded:
    """Wait until a page that was navigated to is fit; return what it has."""
    _await_challenge(tab)
    return Loaded(_await_renewal(tab, site, known, clock), _cookies_left(tab, site))


def _await_renewal(tab: ChromeTab, site: Site, known: str, clock: Callable[[], float]) -> str:
    """Give the page time to renew a login that has run out or soon will; return the token it has then.

    A page that is left in the middle of it might lose the login: what renews it can be used only once.
    """
    begun, first = time.monotonic(), None
    while True:
        try:
            origin, token = tab.driver.execute_script(PLACE_AND_TOKEN)
        except JavascriptException:  # the page is on its way elsewhere
            origin, token = site.origin, ""
        if origin != site.origin:
            raise NotLoggedIn("The site sent the browser to its sign-in page.")
        token = token or _token_cookie(tab, site)
        left = (token_expiry(token) or math.inf) - clock() if token else 0.0
        first = token if first is None else first
        # Where this machine's clock is ahead of the site's, only the change tells that a token is new.
        if left > SOON or (token != known and left > 0) or (token and token != first):
            return str(token)
        if time.monotonic() - begun > (EARLY_RENEWAL_WAIT if left > 0 else RENEWAL_WAIT):
            return str(token)
        time.sleep(0.02)


def _has_token(tab: ChromeTab, site: Site) -> bool:
    _, stored = tab.driver.execute_script(PLACE_AND_TOKEN)
    return bool(stored or _token_cookie(tab, site))


def _token_cookie(tab: ChromeTab, site: Site) -> str:
    return next((str(cookie["value"]) for cookie in _cookies(tab, site) if cookie["name"] == "token"), "")


def _cookies(tab: ChromeTab, site: Site) -> list[dict[str, Any]]:
    answer: Any = tab.cdp("Network.getCookies", urls=[site.base_url + "/"])
    cookies: list[dict[str, Any]] = answer["cookies"]
    return cookies


def _navigate_with_token(tab: ChromeTab, site: Site, token: str) -> None:
    """Go to the site's page with the token in localStorage and cookie before any script of the page runs."""
    origin = json.dumps(site.origin)
    source = f'if (location.origin === {origin}) localStorage.setItem("token", {json.dumps(token)});'
    planted: Any = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=source)
    tab.cdp(
        "Network.setCookie",
        name="token",
        value=token,
        url=site.base_url + "/",
        path="/",
        secure=site.base_url.startswith("https:"),
        sameSite="Lax",
        expires=time.time() + COOKIE_DAYS * 86400,
    )
    _navigate(tab, site)
    tab.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=planted["identifier"])


def _navigate(tab: ChromeTab, site: Site) -> None:
    """Go to the site's page and wait until its document is there."""
    deadline = time.monotonic() + PAGE_LOAD_WAIT
    try:
        tab.driver.get(site.base_url + "/")
        while not (state := str(tab.driver.execute_script(PAGE_STATE))).startswith("http"):
            if state.startswith("chrome-error:"):
                raise NetworkFailed(f"The browser cannot reach {site.base_url}. Is it up?")
            if time.monotonic() > deadline:
                raise NetworkFailed(f"{site.base_url} did not load within {PAGE_LOAD_WAIT:.0f} s.")
            time.sleep(0.01)
    except DRIVER_ERRORS as error:
        text = str(error)
        if "net::ERR" in text:
            reason = text[text.index("net::ERR") :].split(maxsplit=1)[0].removeprefix("net::")
            raise NetworkFailed(f"The browser cannot reach {site.base_url} ({reason}). Is it up?") from error
        raise


def _await_challenge(tab: ChromeTab) -> None:
    deadline = time.monotonic() + CHALLENGE_WAIT
    while "Verification" in str(tab.driver.title):
        if time.monotonic() > deadline:
            raise VerificationRequired("The site asks for a human verification.")
        time.sleep(0.1)


def _mark(site: Site, token: str) -> str:
    return hashlib.sha256(f"{site.base_url} {token}".encode()).hexdigest()


def _origin(url: str) -> str:
    parts = urlsplit(url.lower())
    own_port = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(own_port)}"
