"""Go to the site's page in a tab and wait until its document is there.

Used by site.py and page_login.py. Knows the driver and the site's address; no logins.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from selenium.common.exceptions import JavascriptException, TimeoutException

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.errors import NetworkFailed, ProxyError, VerificationRequired

PAGE_LOAD_WAIT = 30.0  # seconds for the site's page to load
CHALLENGE_WAIT = 5.0  # seconds for a script challenge of the site's firewall to pass by itself
FAILED_PAGE_PAUSE = 1.0  # seconds until we ask again after an error page of the site's gateway

# A script in a page that navigates does not start, or does not end.
ON_ITS_WAY = (TimeoutException, JavascriptException)
# The address once the document has been read, "" before; and the page's HTTP status, 0 for unknown.
PAGE_STATE = """
const read = document.readyState !== "loading" || !location.href.startsWith("http");
const [entry] = performance.getEntriesByType("navigation");
return [read ? location.href : "", (entry && entry.responseStatus) || 0];
"""


def navigate(tab: ChromeTab, base_url: str) -> None:
    """Go to the site's page and wait until its document is there.

    After an error page of the site's gateway we ask again: it lacks the site's scripts, and calls without them look
    like a robot's. Raises NetworkFailed, BrowserError (the account's proxy fails), and the driver's own errors.
    """
    deadline = time.monotonic() + PAGE_LOAD_WAIT
    while (status := _go(tab, base_url, deadline)) >= 500:
        if time.monotonic() + FAILED_PAGE_PAUSE > deadline:
            raise NetworkFailed(f"{base_url} answers with an error of its own (HTTP {status}). Is it up?")
        time.sleep(FAILED_PAGE_PAUSE)


def await_challenge(tab: ChromeTab) -> None:
    """Wait for a script challenge of the firewall to pass. Raises VerificationRequired if it does not."""
    deadline = time.monotonic() + CHALLENGE_WAIT
    while "Verification" in run_script(tab, "return document.title", ""):
        if time.monotonic() > deadline:
            raise VerificationRequired("The site asks for a human verification.")
        time.sleep(0.1)


def run_script(tab: ChromeTab, script: str, otherwise: Any) -> Any:
    """Run a script in the page and return its result, or `otherwise` while the page navigates."""
    try:
        return tab.driver.execute_script(script)
    except ON_ITS_WAY:
        return otherwise


def unreached(tab: ChromeTab, base_url: str, reason: str = "") -> ProxyError:
    """Return the error for a page that the browser cannot reach: the account's proxy knows more than the browser."""
    trouble = tab.way_trouble(host_of(base_url))
    return trouble or NetworkFailed(f"The browser cannot reach {base_url}{reason}. Is it up?")


def host_of(base_url: str) -> str:
    """Return the host of an address."""
    return urlsplit(base_url).hostname or ""


def _go(tab: ChromeTab, base_url: str, deadline: float) -> int:
    """Go to the page once and return its HTTP status, 0 for unknown."""
    try:
        tab.driver.get(base_url + "/")
        while True:
            state, status = run_script(tab, PAGE_STATE, ("", 0))
            if state.startswith("http"):
                return int(status)
            if state.startswith("chrome-error:"):
                raise unreached(tab, base_url)
            if time.monotonic() > deadline:
                late = NetworkFailed(f"{base_url} did not load within {PAGE_LOAD_WAIT:.0f} s.")
                raise tab.way_trouble(host_of(base_url)) or late
            time.sleep(0.01)
    except DRIVER_ERRORS as error:
        text = str(error)
        if "net::ERR" in text:
            reason = text[text.index("net::ERR") :].split(maxsplit=1)[0].removeprefix("net::")
            raise unreached(tab, base_url, f" ({reason})") from error
        raise
