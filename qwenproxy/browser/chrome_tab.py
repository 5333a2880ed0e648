"""One tab of a running Chrome, with a driver session of its own.

Made by local.py, for its first tab and for each further one; owned by one thread, of tab.py or of a login. Knows
neither the site nor how Chrome is launched.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import HTTPError

log = logging.getLogger(__name__)

DRIVER_ERRORS = (WebDriverException, HTTPError, OSError)
CLOSE_TIMEOUT = 2.0  # seconds Chrome gets to close one tab


class ChromeTab:
    """A tab and the driver session on it. One thread at a time may use it, for all but `close`."""

    def __init__(self, attach: Callable[[], WebDriver], on_close: Callable[[ChromeTab, bool], None]) -> None:
        """Attach to the tab that the browser shows.

        `attach` returns a new driver session; `on_close` is told of the closing and whether it is a polite one.
        Raises what `attach` raises.
        """
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
        """Have a script run at the start of every page of this tab; once for each session of the driver.

        Raises the driver's own errors.
        """
        if self._installed != script:
            self.cdp("Page.addScriptToEvaluateOnNewDocument", source=script)
            self._installed = script

    def cdp(self, command: str, **parameters: object) -> object:
        """Run a DevTools command in the tab. Raises the driver's own errors."""
        return self.driver.execute("executeCdpCommand", {"cmd": command, "params": parameters})["value"]

    def renew_session(self) -> None:
        """Leave the driver's session and attach to the same tab in a new one; the page and its calls do not notice.

        Until a session ends the page's memory keeps whatever scripts returned in it. What belongs to a session starts
        anew: time limits, scripts for new documents. Takes some 20 ms. Raises the driver's own errors, TabLost.
        """
        self.driver.quit()
        self._installed = ""
        self.driver = self._attach()
        self.driver.switch_to.window(self.handle)

    def close(self, *, politely: bool = True) -> None:
        """Close the tab; the last one closes the browser. Bounded in time, idempotent.

        `politely` goes through the driver: only for the thread that owns it. Without it, any thread may call.
        """
        self._on_close(self, politely)

    def leave(self) -> None:
        """Close this tab alone and end its session, through the driver. Never raises."""
        with contextlib.suppress(*DRIVER_ERRORS):
            self.driver.close()
            self.driver.quit()


def close_by_force(devtools: int, handle: str) -> None:
    """Close a tab without its driver, which may hang in a call; that call then fails. `devtools` is Chrome's port."""
    connection = HTTPConnection("127.0.0.1", devtools, timeout=CLOSE_TIMEOUT)
    try:
        connection.request("GET", f"/json/close/{handle}")
        connection.getresponse().read()
    except (OSError, HTTPException) as error:
        log.warning("a tab of the browser did not close (%s)", type(error).__name__)
    finally:
        connection.close()
