"""Go to the site's page in a tab and wait until its document is there.

Part of site.py's work. Knows the driver and the site's address; no logins.
"""

from __future__ import annotations

import time
from typing import Any

from selenium.common.exceptions import JavascriptException, TimeoutException

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.errors import NetworkFailed, VerificationRequired

PAGE_LOAD_WAIT = 30.0  # seconds for the site's page to load
CHALLENGE_WAIT = 5.0  # seconds a script challenge of the site's firewall gets to pass by itself
FAILED_PAGE_PAUSE = 1.0  # seconds before a page that came as an error of the site's gateway is asked for again

# A page on its way elsewhere runs no script, or none to its end.
ON_ITS_WAY = (TimeoutException, JavascriptException)
# The page's address once its document has been read, else the reason to wait on (or to give up); and its HTTP status.
PAGE_STATE = """
const read = document.readyState !== "loading" || !location.href.startsWith("http");
const [entry] = performance.getEntriesByType("navigation");
return [read ? location.href : "", (entry && entry.responseStatus) || 0];
"""


def navigate(tab: ChromeTab, base_url: str) -> None:
    """Go to the site's page and wait until its document is there.

    A page that is an error of the site's gateway is asked for again: its scripts are missing, and what is sent without
    them looks like a robot's. Raises NetworkFailed, and the driver's own errors.
    """
    deadline = time.monotonic() + PAGE_LOAD_WAIT
    while (status := _go(tab, base_url, deadline)) >= 500:
        if time.monotonic() + FAILED_PAGE_PAUSE > deadline:
            raise NetworkFailed(f"{base_url} answers with an error of its own (HTTP {status}). Is it up?")
        time.sleep(FAILED_PAGE_PAUSE)


def await_challenge(tab: ChromeTab) -> None:
    """Give a script challenge of the firewall time to pass. Raises VerificationRequired where it stays."""
    deadline = time.monotonic() + CHALLENGE_WAIT
    while "Verification" in run_script(tab, "return document.title", ""):
        if time.monotonic() > deadline:
            raise VerificationRequired("The site asks for a human verification.")
        time.sleep(0.1)


def run_script(tab: ChromeTab, script: str, otherwise: Any) -> Any:
    """Return what a script finds in the page, `otherwise` while the page is on its way elsewhere."""
    try:
        return tab.driver.execute_script(script)
    except ON_ITS_WAY:
        return otherwise


def _go(tab: ChromeTab, base_url: str, deadline: float) -> int:
    """Go to the page once and return its HTTP status, 0 where the browser does not tell."""
    try:
        tab.driver.get(base_url + "/")
        while True:
            state, status = run_script(tab, PAGE_STATE, ("", 0))
            if state.startswith("http"):
                return int(status)
            if state.startswith("chrome-error:"):
                raise NetworkFailed(f"The browser cannot reach {base_url}. Is it up?")
            if time.monotonic() > deadline:
                raise NetworkFailed(f"{base_url} did not load within {PAGE_LOAD_WAIT:.0f} s.")
            time.sleep(0.01)
    except DRIVER_ERRORS as error:
        text = str(error)
        if "net::ERR" in text:
            reason = text[text.index("net::ERR") :].split(maxsplit=1)[0].removeprefix("net::")
            raise NetworkFailed(f"The browser cannot reach {base_url} ({reason}). Is it up?") from error
        raise
