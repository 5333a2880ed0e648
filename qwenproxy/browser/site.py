"""Bring a fresh Chrome to the site's page as one account: token in place, bridge installed, page loaded.

Runs once per opened tab, before tab.py takes the driver over. Source: protocol sections 1.2, 6.4 and 9.2.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qwenproxy.browser.chrome import DRIVER_ERRORS, Chrome
from qwenproxy.errors import NetworkFailed, NotLoggedIn, TabLost, VerificationRequired

PAGE_LOAD_WAIT = 30.0  # seconds for the site's page to load
CHALLENGE_WAIT = 5.0  # seconds a script challenge of the site's firewall gets to pass by itself
SDK_WAIT = 10.0  # seconds the page's own scripts get to patch fetch before calls go out without them
DEFAULT_VERSION = "0.3.12"
COOKIE_DAYS = 30

# The page's address once its document has been read, else the reason to wait on (or to give up).
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


def load_site(chrome: Chrome, site: Site, folder: Path, token: str) -> None:
    """Open the site's page in `chrome`, logged in as the account whose token is given.

    A token the profile does not carry yet is put there before the first page load: into localStorage and the cookie.
    Raises NetworkFailed (site not reached), VerificationRequired, NotLoggedIn (sent to the sign-in host), TabLost.
    """
    try:
        chrome.cdp("Page.addScriptToEvaluateOnNewDocument", source=site.bridge())
        if not token or _is_planted(folder, site, token):
            _navigate(chrome, site)
        # A browser that was killed before it wrote its profile to disk has lost the login that the mark speaks of.
        if token and not (_is_planted(folder, site, token) and _page_has_token(chrome, site)):
            _navigate_with_token(chrome, site, token)
            remember_token(folder, site, token)
        _await_challenge(chrome)
        if _origin(str(chrome.driver.current_url)) != site.origin:
            raise NotLoggedIn("The site sent the browser to its sign-in page.")
    except DRIVER_ERRORS as error:
        raise TabLost(f"The browser went away while it opened the site: {type(error).__name__}") from error


def remember_token(folder: Path, site: Site, token: str) -> None:
    """Note that the profile in `folder` carries this token, so that it is not planted again."""
    mark = folder / "planted"
    mark.write_text(_mark(site, token))
    mark.chmod(0o600)


def _is_planted(folder: Path, site: Site, token: str) -> bool:
    mark = folder / "planted"
    return mark.exists() and mark.read_text() == _mark(site, token)


def _page_has_token(chrome: Chrome, site: Site) -> bool:
    stored = chrome.driver.execute_script("try { return localStorage.getItem('token') } catch { return null }")
    cookies: Any = chrome.cdp("Network.getCookies", urls=[site.base_url + "/"])
    return bool(stored) or any(cookie["name"] == "token" for cookie in cookies["cookies"])


def _navigate_with_token(chrome: Chrome, site: Site, token: str) -> None:
    """Go to the site's page with the token in localStorage and cookie before any script of the page runs."""
    origin = json.dumps(site.origin)
    source = f'if (location.origin === {origin}) localStorage.setItem("token", {json.dumps(token)});'
    planted: Any = chrome.cdp("Page.addScriptToEvaluateOnNewDocument", source=source)
    chrome.cdp(
        "Network.setCookie",
        name="token",
        value=token,
        url=site.base_url + "/",
        path="/",
        secure=site.base_url.startswith("https:"),
        sameSite="Lax",
        expires=time.time() + COOKIE_DAYS * 86400,
    )
    _navigate(chrome, site)
    chrome.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=planted["identifier"])


def _navigate(chrome: Chrome, site: Site) -> None:
    """Go to the site's page and wait until its document is there."""
    deadline = time.monotonic() + PAGE_LOAD_WAIT
    try:
        chrome.driver.get(site.base_url + "/")
        while not (state := str(chrome.driver.execute_script(PAGE_STATE))).startswith("http"):
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


def _await_challenge(chrome: Chrome) -> None:
    deadline = time.monotonic() + CHALLENGE_WAIT
    while "Verification" in str(chrome.driver.title):
        if time.monotonic() > deadline:
            raise VerificationRequired("The site asks for a human verification.")
        time.sleep(0.1)


def _mark(site: Site, token: str) -> str:
    return hashlib.sha256(f"{site.base_url} {token}".encode()).hexdigest()


def _origin(url: str) -> str:
    parts = urlsplit(url.lower())
    own_port = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(own_port)}"
