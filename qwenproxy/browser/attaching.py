"""From a Chrome and a driver that were started to a driver's session on that Chrome.

Used by local.py at every start, and for each further session. Knows no profile and no site.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from selenium.webdriver.common.proxy import Proxy, ProxyType
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.webdriver import WebDriver

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS
from qwenproxy.browser.start_failures import Started, has_ended, is_late

# Selenium takes whatever a program answers for a driver's answer, and stumbles over what is none.
ATTACH_ERRORS = (*DRIVER_ERRORS, ValueError, TypeError, LookupError, AttributeError)

# Seconds for Chrome and its driver to come up, and for the driver to attach. A request may have to try two accounts.
START_WAIT = 14.0
COMMAND_TIMEOUT = 40  # seconds for one answer of the driver; page loads are the longest


@contextlib.contextmanager
def ended_when_late(browser: Started) -> Iterator[None]:
    """End a browser that listens but does nothing, so that the driver's wait for it ends. Raises BrowserError then."""
    late = threading.Event()

    def end() -> None:
        late.set()
        browser.process.kill()

    timer = threading.Timer(START_WAIT, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except ATTACH_ERRORS as error:
        if late.is_set():
            raise is_late(browser, START_WAIT) from error
        raise
    finally:
        timer.cancel()


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Tell whether a program of this machine listens on a port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def await_port(started: Started, port: int, deadline: float) -> None:
    """Wait until a program listens (`deadline` in s, monotonic). Raises BrowserError."""
    while time.monotonic() < deadline:
        if started.process.poll() is not None:
            raise has_ended(started)
        if listens(port):
            return
        time.sleep(0.01)
    raise is_late(started, START_WAIT)


def attach(devtools: int, port: int) -> WebDriver:
    """Return a new session of the driver at `port` on the browser at `devtools`. Raises ATTACH_ERRORS."""
    options = Options()
    options.debugger_address = f"127.0.0.1:{devtools}"
    # Waiting for the page is ours: the driver's own looks at the page cost two round trips in every command.
    options.page_load_strategy = "none"
    address = f"http://127.0.0.1:{port}"
    # Straight to the driver, whatever proxy the environment names.
    direct = Proxy(raw={"proxyType": ProxyType.DIRECT})
    connection = ChromiumRemoteConnection(
        address,
        vendor_prefix="goog",
        browser_name="chrome",
        ignore_proxy=True,
        client_config=ClientConfig(address, timeout=COMMAND_TIMEOUT, proxy=direct),
    )
    return WebDriver(command_executor=connection, options=options)
