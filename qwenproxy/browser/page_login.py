"""The login of a page, its token and cookies: read it, put it there, wait while the page renews it.

Used by site.py. Only the page itself renews a login. Source: protocol 1.2 and 1.7.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from qwenproxy.browser.chrome_tab import ChromeTab
from qwenproxy.browser.navigation import navigate, run_script
from qwenproxy.browser.tokens import token_expiry
from qwenproxy.errors import NotLoggedIn

RENEWAL_WAIT = 10.0  # seconds for the page to renew a login that has run out
UNLIKELY_RENEWAL_WAIT = 1.0  # the same if the page has never renewed one
EARLY_RENEWAL_WAIT = 3.0  # the same for a login that is still good
SOON = 180.0  # seconds before its end from which a load of the page may renew a login
SHORT_LIVED_COOKIE = "acw_tc"  # the firewall's; the site refuses completions without it (protocol 1.2)
TOKEN_COOKIE = "token"  # beside localStorage; scripts can read it
COOKIE_DAYS = 30
LOOK_EVERY = 0.02  # seconds between two looks at the page

PLACE_AND_TOKEN = """
try { return [location.origin, localStorage.getItem("token") || ""]; } catch { return [location.origin, ""]; }
"""
COOKIE_FIELDS = ("name", "value", "path", "secure", "httpOnly", "sameSite")


@dataclass(frozen=True, slots=True)
class Login:
    """A login to keep: the token, and the browser's cookies with it (in DevTools' form; may be none)."""

    token: str = field(default="", repr=False)
    cookies: tuple[dict[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Before:
    """What we know of a page's login before a load: its token, and whether the site refused that.

    A `young` page was loaded just now and may still be renewing its login. A page that is not `renewable` has never
    renewed one.
    """

    token: str = field(default="", repr=False)
    refused: bool = False
    young: bool = False
    renewable: bool = True

    @property
    def renewal_wait(self) -> float:
        """How long to wait for a renewal that has to come (s)."""
        return RENEWAL_WAIT if self.renewable else UNLIKELY_RENEWAL_WAIT


def await_token(
    tab: ChromeTab, origin: str, before: Before, clock: Callable[[], float], wait: float | None = None
) -> str:
    """Wait for the page to renew a login that has run out or soon will; return its token then.

    A refused token has to change, whatever its date. `wait` is in seconds, None for the usual time. We do not leave a
    page in the middle of a renewal: its means to renew works only once, so the login could be lost. Raises NotLoggedIn
    if the page goes to sign-in.
    """
    start, first = time.monotonic(), ""
    while True:
        place, in_storage = run_script(tab, PLACE_AND_TOKEN, (origin, ""))
        if place not in (origin, "null"):
            raise NotLoggedIn("The site sent the browser to its sign-in page.")
        token = str(in_storage or token_cookie(tab, origin))
        first = first or token
        lifetime = (token_expiry(token) or math.inf) - clock() if token else 0.0
        if token and (token != first or _is_good(token, before, lifetime)):
            return token
        usual = EARLY_RENEWAL_WAIT if lifetime > 0 and not before.refused else before.renewal_wait
        if time.monotonic() - start > (usual if wait is None else wait):
            return token
        time.sleep(LOOK_EVERY)


def _is_good(token: str, before: Before, lifetime: float) -> bool:
    """Return True if a token needs no renewal now; `lifetime` is in seconds, by this machine's clock."""
    if before.refused:
        return token != before.token
    return lifetime > SOON or (token != before.token and lifetime > 0)


def has_token(tab: ChromeTab, origin: str) -> bool:
    """Return True if the page has any token."""
    _, in_storage = run_script(tab, PLACE_AND_TOKEN, ("", ""))
    return bool(in_storage or token_cookie(tab, origin))


def token_cookie(tab: ChromeTab, origin: str) -> str:
    """Return the token in the site's cookie, "" for none. Works before any page is loaded."""
    return next((str(cookie["value"]) for cookie in _cookies(tab, origin) if cookie["name"] == TOKEN_COOKIE), "")


def cookies_left(tab: ChromeTab, origin: str) -> float | None:
    """Return how long the page's short-lived cookie lasts (s), None if there is none."""
    ends = [cookie["expires"] for cookie in _cookies(tab, origin) if cookie["name"] == SHORT_LIVED_COOKIE]
    # The browser, too, reads the clock of this machine; the caller's may be another one.
    return max((float(end) - time.time() for end in ends if end > 0), default=None)


def read_login(tab: ChromeTab, token: str) -> Login:
    """Return a login to keep: the token, and all cookies of the browser, even those hidden from scripts."""
    # Storage.getCookies reads those outside of every browser context, whose tab this may be.
    answer: Any = tab.cdp("Network.getAllCookies")
    return Login(token, tuple(answer["cookies"]))


def put_login(tab: ChromeTab, base_url: str, login: Login) -> None:
    """Put a login into cookies and localStorage before any script of the page runs, and go to the page."""
    if login.cookies:
        tab.cdp("Network.setCookies", cookies=[_settable(cookie) for cookie in login.cookies])
    token = json.dumps(login.token)
    source = f'if (location.origin === {json.dumps(origin_of(base_url))}) localStorage.setItem("token", {token});'
    script: Any = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=source)
    tab.cdp(
        "Network.setCookie",
        name=TOKEN_COOKIE,
        value=login.token,
        url=base_url + "/",
        path="/",
        secure=base_url.startswith("https:"),
        sameSite="Lax",
        expires=time.time() + COOKIE_DAYS * 86400,
    )
    navigate(tab, base_url)
    tab.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


def _settable(cookie: dict[str, Any]) -> dict[str, Any]:
    """Turn a cookie from the form of Network.getAllCookies into that of Network.setCookies."""
    fields = {name: cookie[name] for name in COOKIE_FIELDS if name in cookie}
    if cookie.get("expires", -1) > 0:
        fields["expires"] = cookie["expires"]
    domain = str(cookie["domain"])
    if domain.startswith("."):
        return {**fields, "domain": domain}
    # With `domain` it would apply to all subdomains, too.
    return {**fields, "url": f"{'https' if cookie.get('secure') else 'http'}://{domain}{cookie.get('path', '/')}"}


def _cookies(tab: ChromeTab, origin: str) -> list[dict[str, Any]]:
    answer: Any = tab.cdp("Network.getCookies", urls=[origin + "/"])
    cookies: list[dict[str, Any]] = answer["cookies"]
    return cookies


def origin_of(url: str) -> str:
    """Return an address's origin in the form of `location.origin`: lower case, without the scheme's default port."""
    parts = urlsplit(url.lower())
    default_port = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(default_port)}"
