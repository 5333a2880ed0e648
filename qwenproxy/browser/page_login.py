"""The login of a page, its token, cookies and storage: read it, put it there, wait while the page renews it.

Used by site.py and login_readings.py. Only the page itself renews a login. Source: protocol 1.2 and 1.7.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from selenium.common.exceptions import WebDriverException

from qwenproxy.browser.chrome_tab import ChromeTab
from qwenproxy.browser.navigation import navigate, run_script
from qwenproxy.browser.tokens import token_expiry
from qwenproxy.errors import NotLoggedIn

RENEWAL_WAIT = 10.0  # seconds for the page to renew a login that has run out
UNLIKELY_RENEWAL_WAIT = 1.0  # the same if the page has never renewed one
EARLY_RENEWAL_WAIT = 3.0  # the same for a login that is still good
SOON = 180.0  # seconds before its end from which a load of the page may renew a login
SHORT_LIVED_COOKIE = "acw_tc"  # the firewall's; the site refuses completions without it (protocol 1.2)
TOKEN_COOKIE = TOKEN_ITEM = "token"  # in the cookies, where scripts can read it, and in localStorage
COOKIE_DAYS = 30
LOOK_EVERY = 0.02  # seconds between two looks at the page

PLACE_AND_TOKEN = """
try { return [location.origin, localStorage.getItem("token") || ""]; } catch { return [location.origin, ""]; }
"""
SETTABLE = ("name", "value", "path", "secure", "httpOnly", "sameSite", "partitionKey")
KEPT = (*SETTABLE, "domain", "expires")
# What a page could store without end must not fill the disk: the biggest entries stay out (characters in all).
COOKIES_LIMIT = 1 << 20
STORAGE_LIMIT = 1 << 20

# Everything in localStorage, the smallest entries first, as far as it fits: ids of the device are short.
PLACE_AND_STORAGE = f"""
try {{
  const size = ([name, value]) => name.length + value.length;
  let room = {STORAGE_LIMIT};
  const items = Object.entries(localStorage).sort((a, b) => size(a) - size(b));
  return [location.origin, items.filter(each => (room -= size(each)) >= 0)];
}} catch {{ return [location.origin, []]; }}
"""


@dataclass(frozen=True, slots=True)
class Storage:
    """What localStorage holds for an origin: pairs of name and value, in the order of their names."""

    origin: str = ""
    items: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """A login to keep: the token, and with it the browser's cookies (in DevTools' form) and the site's storage.

    Cookies and storage may be missing. Those of an `outdated` login are from before its token: they serve only a
    browser that has none.
    """

    token: str = field(default="", repr=False)
    cookies: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    storage: Storage = field(default_factory=Storage)
    outdated: bool = False


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


def has_cookies(tab: ChromeTab) -> bool:
    """Return True if the browser has any cookie: one that was ever on the site has. Works before any page is loaded."""
    return bool(_all_cookies(tab))


def read_login(tab: ChromeTab, origin: str) -> Login | None:
    """Return the login of the page: token, storage, all cookies of the browser, even those hidden from scripts.

    None if the page is not the site's, has no token, or is on its way elsewhere. Some 40 ms.
    """
    place, items = run_script(tab, PLACE_AND_STORAGE, None) or ("", [])
    cookies = _all_cookies(tab)
    host = urlsplit(origin).hostname or ""
    token = dict(items).get(TOKEN_ITEM) or next((str(one["value"]) for one in cookies if _is_token_of(one, host)), "")
    if place != origin or not token:
        return None
    storage = Storage(origin, tuple(sorted((name, value) for name, value in items)))
    return Login(token, _bounded(cookies), storage)


def put_login(tab: ChromeTab, base_url: str, login: Login) -> None:
    """Put a login into cookies and storage before any script of the page runs, and go to the page.

    The token goes into any storage, the rest only into an empty one, so that a profile's own stays.
    """
    _put_cookies(tab, [_settable(cookie) for cookie in login.cookies])
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
    script = f"{_filling(login.storage, base_url)} localStorage.setItem('token', {json.dumps(login.token)});"
    _navigate_with(tab, base_url, script)


def navigate_as(tab: ChromeTab, base_url: str, login: Login) -> None:
    """Go to the page with a profile that has the login; put the storage there if the profile has lost all of it."""
    filling = _filling(login.storage, base_url)
    if filling:
        _navigate_with(tab, base_url, filling)
    else:
        navigate(tab, base_url)


def _filling(storage: Storage, base_url: str) -> str:
    """Return the statement that fills an empty localStorage, "" if there is nothing for this site.

    Without the token, which may be an older one than the cookie's.
    """
    items = [item for item in storage.items if item[0] != TOKEN_ITEM]
    if not items or storage.origin != origin_of(base_url):
        return ""
    return f"if (!localStorage.length) for (const item of {json.dumps(items)}) localStorage.setItem(...item);"


def _navigate_with(tab: ChromeTab, base_url: str, statements: str) -> None:
    """Go to the page; the statements run at the start of each document of the site's until it is there."""
    source = f"if (location.origin === {json.dumps(origin_of(base_url))}) {{ {statements} }}"
    script: Any = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=source)
    navigate(tab, base_url)
    tab.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


def _put_cookies(tab: ChromeTab, cookies: list[dict[str, Any]]) -> None:
    try:
        if cookies:
            tab.cdp("Network.setCookies", cookies=cookies)
    except WebDriverException:
        # The browser refuses all for one that it does not like. If the driver is gone, the next command says so.
        for cookie in cookies:
            with contextlib.suppress(WebDriverException):
                tab.cdp("Network.setCookies", cookies=[cookie])


def _settable(cookie: dict[str, Any]) -> dict[str, Any]:
    """Turn a cookie from the form of Network.getAllCookies into that of Network.setCookies."""
    fields = {name: cookie[name] for name in SETTABLE if name in cookie}
    if cookie.get("expires", -1) > 0:
        fields["expires"] = cookie["expires"]
    domain = str(cookie["domain"])
    if domain.startswith("."):
        return {**fields, "domain": domain}
    # With `domain` it would apply to all subdomains, too.
    return {**fields, "url": f"{'https' if cookie.get('secure') else 'http'}://{domain}{cookie.get('path', '/')}"}


def _bounded(cookies: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Return the cookies' lasting fields in a fixed order, the smallest cookies as far as they fit."""
    room, kept = COOKIES_LIMIT, []
    for cookie in sorted(cookies, key=_size):
        room -= _size(cookie)
        if room < 0:
            break
        kept.append({name: cookie[name] for name in KEPT if name in cookie})
    return tuple(sorted(kept, key=lambda one: (one["domain"], one.get("path", "/"), one["name"])))


def _size(cookie: dict[str, Any]) -> int:
    return len(cookie["name"]) + len(cookie["value"])


def _is_token_of(cookie: dict[str, Any], host: str) -> bool:
    domain = str(cookie["domain"]).removeprefix(".")
    return cookie["name"] == TOKEN_COOKIE and (host == domain or host.endswith(f".{domain}"))


def _all_cookies(tab: ChromeTab) -> list[dict[str, Any]]:
    # Storage.getCookies reads those outside of every browser context, whose tab this may be.
    answer: Any = tab.cdp("Network.getAllCookies")
    cookies: list[dict[str, Any]] = answer["cookies"]
    return cookies


def _cookies(tab: ChromeTab, origin: str) -> list[dict[str, Any]]:
    answer: Any = tab.cdp("Network.getCookies", urls=[origin + "/"])
    cookies: list[dict[str, Any]] = answer["cookies"]
    return cookies


def origin_of(url: str) -> str:
    """Return an address's origin in the form of `location.origin`: lower case, without the scheme's default port."""
    parts = urlsplit(url.lower())
    default_port = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(default_port)}"
