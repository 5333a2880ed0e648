"""Open driver sessions on a Selenium Grid: wait for a free slot, ask for a Chrome, ask again where that may help.

Works for grid.py. Knows the hub and Chrome's flags, but neither accounts nor tabs.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from selenium.common.exceptions import SessionNotCreatedException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import ReadTimeoutError

from qwenproxy.browser.attaching import ATTACH_ERRORS, COMMAND_TIMEOUT, LEAVE_TO_PERSON
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.browser.grid_status import UP, Node
from qwenproxy.browser.last_words import as_sentence
from qwenproxy.errors import GridError

log = logging.getLogger(__name__)

SLOT_WAIT = 5.0  # seconds after the end of a browser within which its slot becomes free
LOOK_AGAIN = 0.25  # seconds between two looks at the slots
SESSION_WAIT = 30.0  # seconds for the Grid to start a browser
SESSION_TIMEOUT = 300.0  # seconds; the Grid's own default, where the hub does not tell
PORTS = range(20_000, 30_000)  # Chrome's ports on the nodes; systems hand out those above
TRIES = 3  # how often we ask for one browser: the hub may still count on a node that has just died, a port be taken
BLANK = "data:,"  # the address of a Chrome that chromedriver has just started
NO_SLOT = "request timed out"  # in the hub's own words for a request that waited too long for a slot


@dataclass(frozen=True, slots=True)
class GridSession:
    """A driver session on a node; the Grid ends it after `time_limit` seconds without a command."""

    driver: WebDriver
    time_limit: float


class GridSessions:
    """Opens and ends the sessions of one launcher. Every method may run on many threads at once."""

    def __init__(self, hub: GridHub, flags: Sequence[str], *, for_login: bool = False) -> None:
        """`flags` are Chrome's, for every session; `for_login`: a person answers the pages' dialogs."""
        self._hub = hub
        self._for_login = for_login
        self._flags = tuple(flags)
        self._lock = threading.Lock()
        self._starting = 0  # sessions that we asked for, and that may not count as taken slots yet
        self._freed_at = time.monotonic()  # when a session of ours ended last; at first perhaps one before our start
        self._ports: dict[str, int] = {}  # Chrome's ports on the nodes, by session

    def open(self, name: str, flags: Sequence[str] = ()) -> GridSession:
        """Return a new session with this name, and `flags` for its Chrome alone. Raises GridError."""
        for tries_left in reversed(range(TRIES)):
            time_limit = self._take_slot()
            try:
                return GridSession(self._start(name, flags), time_limit)
            except ATTACH_ERRORS as error:
                if not (tries_left and _may_pass(error)):
                    raise self._failure(error) from error
                log.info("account=%s the Grid started no browser (%s): once more", name, _words(error))
            finally:
                with self._lock:
                    self._starting -= 1
        raise AssertionError("the last try either returned or raised")

    def end(self, driver: WebDriver, *, politely: bool = True) -> None:
        """End a session and its browser, quickly unless `politely`. Never raises."""
        self._hub.end_session(driver.session_id, politely=politely)
        with self._lock:
            self._ports.pop(str(driver.session_id), None)
            self._freed_at = time.monotonic()

    def _take_slot(self) -> float:
        """Wait until a slot is free, and count it as ours; return the time limit of sessions (s). Raises GridError.

        Waits only where a slot is about to become free, since others can answer the request meanwhile.

        A request without a slot would wait in the hub's queue, for minutes, and might get a browser that nobody wants
        any more.
        """
        while True:
            nodes = self._hub.nodes()
            with self._lock:
                deadline = self._freed_at + SLOT_WAIT
                if sum(node.free for node in nodes) > self._starting:
                    self._starting += 1
                    return _time_limit(nodes)
            if time.monotonic() > deadline:
                raise self._no_slot(nodes)
            time.sleep(LOOK_AGAIN)

    def _start(self, name: str, flags: Sequence[str]) -> WebDriver:
        port = self._free_port()
        options = Options()
        options.page_load_strategy = "none"  # we wait for pages ourselves
        if self._for_login:
            options.unhandled_prompt_behavior = LEAVE_TO_PERSON
        # Without this switch, and with a port of our own, Chrome does not tell its pages that it is automated.
        options.add_experimental_option("excludeSwitches", ["enable-automation"])
        for flag in (*self._flags, *flags, f"--remote-debugging-port={port}"):
            options.add_argument(flag)
        options.set_capability("se:name", name)
        config = self._hub.client_config(SESSION_WAIT)
        connection = ChromiumRemoteConnection(
            self._hub.address.url, vendor_prefix="goog", browser_name="chrome", ignore_proxy=True, client_config=config
        )
        driver = WebDriver(command_executor=connection, options=options)
        config.timeout = COMMAND_TIMEOUT
        if driver.current_url != BLANK:
            self._hub.end_session(driver.session_id)
            raise SessionNotCreatedException(f"another browser has port {port}")
        with self._lock:
            self._ports[str(driver.session_id)] = port
        return driver

    def _free_port(self) -> int:
        """Return a port that no Chrome of ours has.

        chromedriver takes any Chrome that listens there for its own, so that two accounts would share one.
        """
        with self._lock:
            taken = set(self._ports.values())
        return next(port for port in iter(lambda: secrets.choice(PORTS), None) if port not in taken)

    def _no_slot(self, nodes: Sequence[Node]) -> GridError:
        places = sum(node.max_sessions for node in nodes if node.availability == UP and node.chrome)
        return self._hub.full(places) if places else self._hub.error("grid_no_nodes")

    def _failure(self, error: Exception) -> GridError:
        if isinstance(error, WebDriverException):
            if NO_SLOT in (error.msg or ""):
                return self._no_slot(self._hub.nodes())
            return self._hub.error("grid_not_created", words=_words(error))
        if isinstance(error, ReadTimeoutError):
            return self._hub.error("grid_late", seconds=f"{SESSION_WAIT:.0f}")
        return self._hub.failure(error)


def _may_pass(error: Exception) -> bool:
    """Return True if another try may find another node, or another port."""
    return isinstance(error, SessionNotCreatedException) and NO_SLOT not in (error.msg or "")


def _words(error: Exception) -> str:
    message = str(getattr(error, "msg", None) or "").partition("; For documentation on this error")[0]
    line = next((line for line in message.splitlines() if line.strip()), "")
    return as_sentence(line) if line else f"{type(error).__name__}."


def _time_limit(nodes: Sequence[Node]) -> float:
    limits = [node.session_timeout for node in nodes if node.session_timeout and node.availability == UP]
    return min(limits, default=SESSION_TIMEOUT)
