"""The exchange with a page: one script call after another takes orders there and brings messages back (architecture 2).

The owner thread of tab.py runs it, and nobody else: it has no lock. Knows streams and orders, but neither who asked nor
when the tab ends.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import orjson
from selenium.common.exceptions import JavascriptException, TimeoutException, WebDriverException

from qwenproxy.browser.absence import Absence
from qwenproxy.browser.chrome_tab import ChromeTab
from qwenproxy.browser.navigation import host_of
from qwenproxy.browser.orders import Orders
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.response import TICK, TabResponse
from qwenproxy.browser.site import Site
from qwenproxy.errors import NetworkFailed, ProxyError, TabLost

EXCHANGE = "window.__qwenproxy.exchange(...arguments)"
# Milliseconds for which the page may hold an exchange open, unless the pace has it gather for longer: a new order waits
# at most so long.
BUSY_WAIT = 25
QUIET_WAIT = 100  # the same after a second without any message
SCRIPT_TIMEOUT = 2.2  # seconds; a script in a page that navigates ends only by this
LOOK_AGAIN = 0.05  # seconds until we ask an absent page again
# Fetches leave garbage in the page, and chromedriver keeps every reply until its session ends. We clean up at so many:
CALL_LITTER = 40_000  # bytes of garbage of one call, beside its replies
TIDY_IDLE = 4_000_000  # bytes from which we clean up while no call runs
TIDY_BUSY = 20_000_000  # bytes from which we clean up beside running calls, which halts them for some 50 ms
SEND_WAIT = 5.0  # seconds for which a call of `send` delays a load of the page, or its end


class Exchange:
    """The calls that run in one page, the orders that wait for it, and the garbage that they leave."""

    def __init__(self, chrome: ChromeTab, site: Site, on_token: Callable[[str], None]) -> None:
        """`chrome` shows the site's page; `on_token` gets each token that the page tells."""
        self._chrome = chrome
        self._pace = chrome.pace
        self._origin = site.origin
        self._bridge = site.bridge()
        self._on_token = on_token
        self._orders = Orders()
        self._streams: dict[int, TabResponse] = {}
        self._epoch = ""
        self._acknowledged = 0
        self._last_message = time.monotonic()
        self._absence = Absence()
        self._litter = 0  # bytes of garbage since we last cleaned up
        self._sends: dict[int, float] = {}  # calls of `send`, and until when they delay a load (monotonic s)

    @property
    def litter(self) -> int:
        """The garbage in page and driver (bytes)."""
        return self._litter

    @property
    def live(self) -> bool:
        """Whether the page has a call to carry, or an order to get."""
        if self._sends:
            now = time.monotonic()
            self._sends = {number: end for number, end in self._sends.items() if end > now}
        return bool(self._streams or self._orders or self._sends)

    def begin(self) -> None:
        """Prepare the driver's session. Raises the driver's own errors."""
        self._chrome.driver.set_script_timeout(SCRIPT_TIMEOUT)

    def ping(self) -> None:
        """Let the driver see that the idle tab is in use. Raises the driver's own errors."""
        with self._chrome.hurried():
            self._chrome.cdp("Browser.getVersion")

    def note_use(self) -> None:
        """Count the page as one that has just given a sign: it was idle, or loaded anew."""
        self._last_message = time.monotonic()

    def note_load(self) -> None:
        """Count the page as new: the old one took its garbage with it."""
        self._litter = 0
        self.note_use()

    def start(self, response: TabResponse, request: PageRequest) -> None:
        """Order a call whose answer goes to `response`."""
        self._streams[response.number] = response
        self._orders.start(response.number, request)

    def send(self, number: int, request: PageRequest) -> None:
        """Order a call whose answer nobody reads."""
        self._sends[number] = time.monotonic() + SEND_WAIT
        self._orders.start(number, request)

    def abort(self, number: int) -> None:
        """Order the end of a call, unless it has ended."""
        if self._streams.pop(number, None):
            self._orders.abort(number)

    def hold(self, number: int, held: bool) -> None:
        """Order a pause in the reading of an answer, or its end."""
        self._orders.hold(number, held)

    def fail(self, error: ProxyError) -> None:
        """End every answer with an error."""
        for stream in self._streams.values():
            stream.fail(error)
        self._streams.clear()

    def tidy(self) -> None:
        """Clean up in page and driver, if there is enough garbage. Raises the driver's own errors, TabLost.

        A tab whose driver cannot come back keeps it until its page is loaded anew (kept_page.py).
        """
        if not self._pace.renews_session or self._litter < (TIDY_BUSY if self.live else TIDY_IDLE):
            return
        self._litter = 0
        self._chrome.renew_session()
        self.begin()
        # Either can fail in a page that navigates; a real failure shows at the next exchange.
        with contextlib.suppress(WebDriverException):
            self._chrome.install(self._bridge)
            self._chrome.cdp("HeapProfiler.collectGarbage")

    def run(self) -> None:
        """Give the page its orders and take its messages once. Raises the driver's own errors, TabLost."""
        now = time.monotonic()
        quiet = now - self._last_message > TICK
        wait = 0 if not self._streams or self._orders.uploading else QUIET_WAIT if quiet else BUSY_WAIT
        gather = self._pace.gather if wait and len(self._streams) <= self._pace.gather_limit else 0
        order: dict[str, Any] = {"epoch": self._epoch, "ack": self._acknowledged, "wait": wait, "min": gather}
        order |= self._orders.batch()
        try:
            with self._chrome.hurried():
                reply = self._chrome.driver.execute_async_script(EXCHANGE, orjson.dumps(order).decode())
        except (TimeoutException, JavascriptException) as error:
            self._bring_back_bridge(error)
            return
        self._litter += CALL_LITTER * self._orders.confirm()
        self._litter += len(reply)
        self._receive(orjson.loads(reply))

    def _bring_back_bridge(self, error: WebDriverException) -> None:
        """Put the bridge into a page without one: the page has just loaded, or is about to."""
        self._absence.note_silence(error)
        try:
            self._chrome.driver.execute_script(self._bridge)
        except (TimeoutException, JavascriptException):
            time.sleep(LOOK_AGAIN)

    def _receive(self, reply: dict[str, Any]) -> None:
        if reply["origin"] != self._origin:
            self._absence.note_elsewhere(reply["origin"])
            time.sleep(LOOK_AGAIN)
            return
        self._absence.end()
        if reply["epoch"] != self._epoch:
            self._epoch = reply["epoch"]
            self._acknowledged = 0
        for stream in list(self._streams.values()):
            if stream.epoch not in ("", self._epoch):
                del self._streams[stream.number]
                stream.fail(TabLost("The site reloaded its page."))
            stream.epoch = self._epoch
        for sequence, number, kind, payload in reply["messages"]:
            if sequence > self._acknowledged:
                self._acknowledged = sequence
                self._last_message = time.monotonic()
                self._dispatch(number, kind, payload)

    def _dispatch(self, number: int, kind: str, payload: Any) -> None:
        if kind == "token":
            self._on_token(payload)
            return
        if kind in ("end", "error"):
            self._sends.pop(number, None)
        stream = self._streams.get(number)
        if stream is None:
            return
        if kind == "error":
            lost = f"The browser could not reach the site, or lost the connection ({payload})."
            stream.fail(self._chrome.way_trouble(host_of(self._origin)) or NetworkFailed(lost))
        elif stream.deliver(kind, payload) and not stream.held:
            stream.held = True
            self._orders.hold(number, True)
        if kind in ("end", "error"):
            del self._streams[number]
