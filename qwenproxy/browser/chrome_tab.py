"""One tab of a running Chrome, with a driver session of its own.

local.py, shared.py and grid.py make the first tab and each further one. One thread owns a tab: that of tab.py, or of a
login. Knows neither the site nor how Chrome is launched.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from selenium.common.exceptions import UnexpectedAlertPresentException, WebDriverException
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import HTTPError

from qwenproxy.browser.devtools_address import DevToolsAddress
from qwenproxy.browser.pace import LOCAL, Pace
from qwenproxy.errors import ProxyError

log = logging.getLogger(__name__)

DRIVER_ERRORS = (WebDriverException, HTTPError, OSError)
CLOSE_TIMEOUT = 2.0  # seconds for Chrome to close one tab, or its driver one session


def is_dialog(error: Exception) -> bool:
    """Tell whether a command failed because a dialog of the page waits for its person."""
    return isinstance(error, UnexpectedAlertPresentException)


def shown_tab(driver: WebDriver) -> str:
    """Return the handle of the tab that a new driver session is turned to."""
    return driver.current_window_handle


def no_trouble(_host: str) -> ProxyError | None:
    """Return None: there is no proxy."""
    return None


class ChromeTab:
    """A tab and the driver session on it. Only `close` may run beside another call.

    Whoever makes it may set its `pace`, which is for the thread that owns the tab, and where the `devtools` of its
    browser are, for any thread.
    """

    pace: Pace = LOCAL
    devtools: DevToolsAddress | None = None

    def __init__(
        self,
        attach: Callable[[], WebDriver],
        on_close: Callable[[ChromeTab, bool], None],
        way_trouble: Callable[[str], ProxyError | None] = no_trouble,
        turn: Callable[[WebDriver], str] = shown_tab,
    ) -> None:
        """Attach to a tab: the one that the browser shows, or the one that `turn` turns to.

        `attach` returns a new driver session; `turn` turns the first one to the tab and returns its handle. `on_close`
        gets this tab and whether to close it politely. `way_trouble` returns why the account's proxy does not lead to a
        host, None if it does or there is none. Raises what `attach` and `turn` raise.
        """
        self._attach = attach
        self.way_trouble = way_trouble
        self._on_close = on_close
        self._installed = ""
        self.driver = attach()
        try:
            self.handle = turn(self.driver)
        except BaseException:
            end_session(self.driver)
            raise

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


def end_session(driver: WebDriver) -> None:
    """End a driver's session, even while a command of it waits; the browser goes on. Any thread may call. Never raises.

    For a tab that was closed without its driver: the session would stay for as long as chromedriver runs.
    """
    executor = driver.command_executor
    if isinstance(executor, RemoteConnection):  # WebDriver makes one of an address
        server = urlsplit(executor.client_config.remote_server_addr).netloc
        _ask(server, "DELETE", f"/session/{driver.session_id}", "a session of the driver did not end")


def close_by_force(devtools: int, handle: str) -> None:
    """Close a tab without its driver, so that a hanging call of the driver fails. `devtools` is Chrome's port."""
    _ask(f"127.0.0.1:{devtools}", "GET", f"/json/close/{handle}", "a tab of the browser did not close")


def _ask(server: str, method: str, path: str, failure: str) -> None:
    connection = HTTPConnection(server, timeout=CLOSE_TIMEOUT)
    try:
        connection.request(method, path)
        connection.getresponse().read()
    except ConnectionError:
        pass  # it has gone, and the tab with it
    except (OSError, HTTPException) as error:
        log.warning("%s (%s)", failure, type(error).__name__)
    finally:
        connection.close()
