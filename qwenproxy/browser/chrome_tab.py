"""One tab of a running Chrome, with a driver session of its own.

local.py and grid.py make the first tab and each further one. One thread owns a tab: that of tab.py, or of a login.
Knows neither the site nor how Chrome is launched.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import HTTPError

from qwenproxy.browser.pace import LOCAL, Pace

log = logging.getLogger(__name__)

DRIVER_ERRORS = (WebDriverException, HTTPError, OSError)
CLOSE_TIMEOUT = 2.0  # seconds for Chrome to close one tab


class ChromeTab:
    """A tab and the driver session on it. Only `close` may run beside another call."""

    def __init__(
        self,
        attach: Callable[[], WebDriver],
        on_close: Callable[[ChromeTab, bool], None],
        pace: Pace = LOCAL,
    ) -> None:
        """Attach to the tab that the browser shows.

        `attach` returns a new driver session. `on_close` gets this tab and whether to close it politely. `pace` is
        for the thread that owns the tab. Raises what `attach` raises.
        """
        self.pace = pace
        self._attach = attach
        self._on_close = on_close
        self._installed = ""
        self.driver = attach()
        self.handle = self.driver.current_window_handle

    def turn_to_new(self) -> None:
        """Make a new tab in the same window and turn to it. Raises the driver's own errors."""
        self.driver.switch_to.new_window("tab")
        self.handle = self.driver.current_window_handle

    def install(self, script: str) -> None:
        """Run a script at the start of every page of this tab. Costs one command per driver session.

        Raises the driver's own errors.
        """
        if self._installed != script:
            self.cdp("Page.addScriptToEvaluateOnNewDocument", source=script)
            self._installed = script

    def cdp(self, command: str, **parameters: object) -> object:
        """Run a DevTools command in the tab. Raises the driver's own errors."""
        return self.driver.execute("executeCdpCommand", {"cmd": command, "params": parameters})["value"]

    @contextlib.contextmanager
    def hurried(self) -> Iterator[None]:
        """Let the driver take no longer for its answers than the pace allows; loads of a page may take longer."""
        if self.pace.answer_wait is None:
            yield
            return
        connection = self.driver.command_executor
        assert isinstance(connection, RemoteConnection)
        config = connection.client_config
        usual, config.timeout = config.timeout, self.pace.answer_wait
        try:
            yield
        finally:
            config.timeout = usual

    def renew_session(self) -> None:
        """End the driver's session and attach to the same tab in a new one; the page and its calls go on.

        The page keeps every value that a script returned until the session ends. The new session has no time limits
        and no scripts for new documents. Takes some 20 ms. Raises the driver's own errors, TabLost.
        """
        self.driver.quit()
        self._installed = ""
        self.driver = self._attach()
        self.driver.switch_to.window(self.handle)

    def close(self, *, politely: bool = True) -> None:
        """Close the tab; the last one closes the browser. Bounded in time, idempotent.

        With `politely` the driver closes it: only for the owner thread. Without, any thread may call.
        """
        self._on_close(self, politely)

    def leave(self) -> None:
        """Close this tab alone and end its session, through the driver. Never raises."""
        with contextlib.suppress(*DRIVER_ERRORS):
            self.driver.close()
            self.driver.quit()


def close_by_force(devtools: int, handle: str) -> None:
    """Close a tab without its driver, so that a hanging call of the driver fails. `devtools` is Chrome's port."""
    connection = HTTPConnection("127.0.0.1", devtools, timeout=CLOSE_TIMEOUT)
    try:
        connection.request("GET", f"/json/close/{handle}")
        connection.getresponse().read()
    except (OSError, HTTPException) as error:
        log.warning("a tab of the browser did not close (%s)", type(error).__name__)
    finally:
        connection.close()
