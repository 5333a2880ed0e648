"""Browser contexts in a running Chrome: each has cookies, storage and a proxy of its own, and nothing on disk.

shared.py gives every account in a Chrome its own one. A driver session sees the tabs of all contexts, so it is turned
to its own tab and never asked for others. Knows no accounts.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from selenium.webdriver.remote.webdriver import WebDriver

from qwenproxy.browser.browser_socket import BrowserSocket
from qwenproxy.browser.chrome_flags import LOOPBACK_TOO
from qwenproxy.browser.chrome_tab import DRIVER_ERRORS

BLANK = "about:blank"


@dataclass(frozen=True, slots=True)
class Context:
    """A browser context, and the driver's handle of its first tab."""

    id: str
    handle: str


def open_context(driver: WebDriver, proxy_server: str = "") -> Context:
    """Make a browser context with a tab, and turn the driver to that.

    `proxy_server` is for all of its traffic, in the form of Chrome's --proxy-server; "" for the browser's own way.
    Raises DRIVER_ERRORS; then no context stays.
    """
    proxy = {"proxyServer": proxy_server, "proxyBypassList": LOOPBACK_TOO} if proxy_server else {}
    with BrowserSocket(devtools_of(driver)) as browser:
        context_id = browser.order("Target.createBrowserContext", **proxy)["browserContextId"]
        try:
            handle = browser.order("Target.createTarget", url=BLANK, browserContextId=context_id)["targetId"]
            driver.switch_to.window(handle)
        except BaseException:
            with contextlib.suppress(*DRIVER_ERRORS):
                browser.order("Target.disposeBrowserContext", browserContextId=context_id)
            raise
    return Context(context_id, handle)


def open_context_tab(driver: WebDriver, context_id: str) -> str:
    """Make one more tab in a context, turn the driver to it, and return its handle. Raises DRIVER_ERRORS.

    The driver's own way would make it outside of every context, with nobody's cookies.
    """
    with BrowserSocket(devtools_of(driver)) as browser:
        handle: str = browser.order("Target.createTarget", url=BLANK, browserContextId=context_id)["targetId"]
    driver.switch_to.window(handle)
    return handle


def close_context(driver: WebDriver, context_id: str) -> None:
    """End a context with its tabs, cookies and storage; the rest of the browser goes on. Any thread may call.

    Raises WebDriverException if there is no such context, OSError if Chrome is silent or gone.
    """
    with BrowserSocket(devtools_of(driver)) as browser:
        browser.order("Target.disposeBrowserContext", browserContextId=context_id)


def close_context_tab(driver: WebDriver, handle: str) -> None:
    """Close one tab, even while the driver waits for it. Any thread may call. Raises as `close_context`."""
    with BrowserSocket(devtools_of(driver)) as browser:
        browser.order("Target.closeTarget", targetId=handle)


def devtools_of(driver: WebDriver) -> str:
    """Return the host and port of the DevTools of the browser that a driver is attached to."""
    return str(driver.capabilities["goog:chromeOptions"]["debuggerAddress"])
