"""Wait for Chrome and its driver to listen, and open a driver session on that Chrome.

Used by local.py at every start, and for each further session. Knows no profile and no site.
"""

from __future__ import annotations

import contextlib
import socket
import sys
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

# Selenium does not check that an answer comes from a driver: another program at the port makes it raise any of these.
ATTACH_ERRORS = (*DRIVER_ERRORS, ValueError, TypeError, LookupError, AttributeError)

# Seconds for Chrome and its driver to start, and again for the driver to attach. A request may try two accounts.
START_WAIT = 14.0
LEAVE_TO_PERSON = "ignore"  # what the driver does about a dialog that a person answers
COMMAND_TIMEOUT = 40  # seconds for one answer of the driver; page loads are the longest


@contextlib.contextmanager
def ended_when_late(browser: Started) -> Iterator[None]:
    """Kill a browser that hangs for START_WAIT, so that the driver stops waiting. Raises BrowserError then."""
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


@contextlib.contextmanager
def kept_port() -> Iterator[int]:
    """Yield a free port for a program that we start meanwhile; no other program gets it until that one listens.

    Chrome would go to another address if its port were taken, and its driver would end. Only Linux lets a program
    listen where a socket of ours keeps the number; elsewhere the port may be lost.
    """
    with socket.socket() as keeper:
        if sys.platform == "linux":
            keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        port = int(keeper.getsockname()[1])
        if sys.platform != "linux":
            keeper.close()
        yield port


def listens(port: int) -> bool:
    """Return True if a program on this machine listens on the port."""
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


def attach(devtools: int, port: int, *, for_login: bool = False) -> WebDriver:
    """Return a new session of the driver at `port` on the browser at `devtools`. Raises ATTACH_ERRORS.

    With `for_login` a person answers the page's dialogs; the driver would do so at its next command.
    """
    options = Options()
    if for_login:
        options.unhandled_prompt_behavior = LEAVE_TO_PERSON
    options.debugger_address = f"127.0.0.1:{devtools}"
    # We wait for pages ourselves: the driver would check the page in every command, which costs two round trips.
    options.page_load_strategy = "none"
    address = f"http://127.0.0.1:{port}"
    # Reach the driver directly, even if the environment names a proxy.
    direct = Proxy(raw={"proxyType": ProxyType.DIRECT})
    connection = ChromiumRemoteConnection(
        address,
        vendor_prefix="goog",
        browser_name="chrome",
        ignore_proxy=True,
        client_config=ClientConfig(address, timeout=COMMAND_TIMEOUT, proxy=direct),
    )
    return WebDriver(command_executor=connection, options=options)
