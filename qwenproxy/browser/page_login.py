"""The login that a page carries: its token and cookies, read, put there, and waited for while the page renews them.

Part of site.py's work. Nothing here renews anything: only the page does. Source: protocol 1.2 and 1.7.
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

RENEWAL_WAIT = 10.0  # seconds the page gets to renew a login that has run out, or to show that it cannot
UNLIKELY_RENEWAL_WAIT = 1.0  # the same where nothing was ever renewed
EARLY_RENEWAL_WAIT = 3.0  # the same for one that is good for another while
SOON = 180.0  # seconds: what lives no longer than this when the page loads may be renewed by it
SHORT_LIVED_COOKIE = "acw_tc"  # the firewall's; completions without it are refused (protocol 1.2)
TOKEN_COOKIE = "token"  # beside localStorage; scripts can read it
COOKIE_DAYS = 30
LOOK_EVERY = 0.02  # seconds between two looks at the page

PLACE_AND_TOKEN = """
try { return [location.origin, localStorage.getItem("token") || ""]; } catch { return [location.origin, ""]; }
"""
KEPT_OF_A_COOKIE = ("name", "value", "path", "secure", "httpOnly", "sameSite")


@dataclass(frozen=True, slots=True)
class Login:
    """A login as it can be kept: the token, and the cookies that were there with it (DevTools' form; may be none)."""

    token: str = field(default="", repr=False)
    cookies: tuple[dict[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of a page's login before the page is loaded: its token, and whether the site refused that.

    A `young` page was loaded just now, and may be renewing a login that was refused at this moment; of one that is not
    `renewable` that was never seen.
    """

    token: str = field(default="", repr=False)
    refused: bool = False
    young: bool = False
    renewable: bool = True

    @property
    def renewal_wait(self) -> float:
        """How long to wait for a page that surely has to renew the login (s)."""
        return RENEWAL_WAIT if self.renewable else UNLIKELY_RENEWAL_WAIT


def await_token(
    tab: ChromeTab, origin: str, before: Before, clock: Callable[[], float], wait: float | None = None
) -> str:
    """Give the page time to renew a login that has run out or soon will; return the token it has then.

    Instead of one that was refused, whatever its date says, only another one will do. `wait` is in seconds, None for as
    long as a page may take. A page that is left in the middle of a renewal might lose the login: what renews it can be
    used only once. Raises NotLoggedIn when the page goes to sign-in.
    """
    begun, first = time.monotonic(), ""
    while True:
        place, stored = run_script(tab, PLACE_AND_TOKEN, (origin, ""))
        if place not in (origin, "null"):
            raise NotLoggedIn("The site sent the browser to its sign-in page.")
        token = str(stored or token_cookie(tab, origin))
        first = first or token
        left = (token_expiry(token) or math.inf) - clock() if token else 0.0
        if token and (token != first or _is_good(token, before, left)):
            return token
        usual = EARLY_RENEWAL_WAIT if left > 0 and not before.refused else before.renewal_wait
        if time.monotonic() - begun > (usual if wait is None else wait):
            return token
        time.sleep(LOOK_EVERY)


def _is_good(token: str, before: Before, left: float) -> bool:
    """Tell whether a token, with so many seconds left by this machine's clock, is not to be renewed at once."""
    if before.refused:
        return token != before.token
    return left > SOON or (token != before.token and left > 0)


def has_token(tab: ChromeTab, origin: str) -> bool:
    """Tell whether the page carries any token."""
    _, stored = run_script(tab, PLACE_AND_TOKEN, ("", ""))
    return bool(stored or token_cookie(tab, origin))


def token_cookie(tab: ChromeTab, origin: str) -> str:
    """Return the token in the site's cookie, "" where there is none. Needs no page."""
    return next((str(cookie["value"]) for cookie in _cookies(tab, origin) if cookie["name"] == TOKEN_COOKIE), "")


def cookies_left(tab: ChromeTab, origin: str) -> float | None:
    """Return for how long the page's short-lived cookie lasts (s), None where it has none."""
    ends = [cookie["expires"] for cookie in _cookies(tab, origin) if cookie["name"] == SHORT_LIVED_COOKIE]
    # By the clock of this machine, as the browser does; the caller may have another one.
    return max((float(end) - time.time() for end in ends if end > 0), default=None)


def read_login(tab: ChromeTab, token: str) -> Login:
    """Return the login as it can be kept, with all cookies of the browser, those hidden from scripts too."""
    answer: Any = tab.cdp("Storage.getCookies")
    return Login(token, tuple(answer["cookies"]))


def put_login(tab: ChromeTab, base_url: str, login: Login) -> None:
    """Go to the site's page with a login in cookies and localStorage before any script of the page runs."""
    if login.cookies:
        tab.cdp("Network.setCookies", cookies=[_to_set(cookie) for cookie in login.cookies])
    token = json.dumps(login.token)
    source = f'if (location.origin === {json.dumps(origin_of(base_url))}) localStorage.setItem("token", {token});'
    planted: Any = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=source)
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
    tab.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=planted["identifier"])


def _to_set(cookie: dict[str, Any]) -> dict[str, Any]:
    """Return a cookie that was read in the form in which it is set."""
    kept = {name: cookie[name] for name in KEPT_OF_A_COOKIE if name in cookie}
    if cookie.get("expires", -1) > 0:
        kept["expires"] = cookie["expires"]
    domain = str(cookie["domain"])
    if domain.startswith("."):
        return {**kept, "domain": domain}
    # By a domain it would become one of all hosts below, too.
    return {**kept, "url": f"{'https' if cookie.get('secure') else 'http'}://{domain}{cookie.get('path', '/')}"}


def _cookies(tab: ChromeTab, origin: str) -> list[dict[str, Any]]:
    answer: Any = tab.cdp("Network.getCookies", urls=[origin + "/"])
    cookies: list[dict[str, Any]] = answer["cookies"]
    return cookies


def origin_of(url: str) -> str:
    """Return an address's origin as a page names it: lower case, without the scheme's own port."""
    parts = urlsplit(url.lower())
    own_port = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(own_port)}"
