"""A logged-in tab that carries many calls at once: the Python half of the exchange (architecture 2).

One thread per open tab owns the driver, so Selenium needs no lock. Request threads touch queues only. While a call runs
the owner repeats one script call that gives the page its orders and returns its messages; with no call it blocks on its
order queue and costs no CPU.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import orjson
from selenium.common.exceptions import JavascriptException, TimeoutException, WebDriverException

from qwenproxy.browser.absence import Absence
from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.orders import Orders
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.page_load import PageLoad
from qwenproxy.browser.response import TICK, TabResponse
from qwenproxy.browser.site import Loaded, Site
from qwenproxy.errors import NetworkFailed, ProxyError, TabLost

log = logging.getLogger(__name__)

EXCHANGE = "window.__qwenproxy.exchange(...arguments)"
BUSY_WAIT = 25  # milliseconds for which the page may hold an exchange open: a new order waits at most so long
QUIET_WAIT = 100  # the same after a second without any message
SCRIPT_TIMEOUT = 2.2  # seconds; a script in a page that navigates ends only by this
LOOK_AGAIN = 0.05  # seconds until we ask an absent page again
# Fetches leave garbage in the page, and chromedriver keeps every reply until its session ends. We clean up at so many:
CALL_LITTER = 40_000  # bytes of garbage of one call, beside its replies
TIDY_IDLE = 4_000_000  # bytes from which we clean up while no call runs
TIDY_BUSY = 20_000_000  # bytes from which we clean up beside running calls, which halts them for some 50 ms
SEND_WAIT = 5.0  # seconds for which a call of `send` delays a load of the page, or its end
CLOSE_WAIT = 8.0  # seconds for the owner thread to close its browser, before the closing thread does
CLOSED = "The browser was closed: the server is stopping."


class Tab:
    """A Chrome tab on the site, owned by one thread."""

    def __init__(self, name: str, chrome: ChromeTab, site: Site, token: str, on_token: Callable[[str], None]) -> None:
        """Take over a tab with a loaded page; from now on only the owner thread may use its driver.

        `on_token` gets each token that the page renews. It runs on the owner thread, so it must not wait.
        """
        self.name = name
        self.token = token
        self._chrome = chrome
        self._origin = site.origin
        self._bridge = site.bridge()
        self._on_token = on_token
        self._inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._gate = threading.Lock()  # between a new order and the end of the tab
        self._numbers = 0
        self._loss: ProxyError | None = None
        # Owner thread only:
        self._orders = Orders()
        self._streams: dict[int, TabResponse] = {}
        self._epoch = ""
        self._acknowledged = 0
        self._last_message = time.monotonic()
        self._absence = Absence()
        self._litter = 0  # bytes of garbage since we last cleaned up
        self._sends: dict[int, float] = {}  # calls of `send`, and until when they delay a load (monotonic s)
        self._load: PageLoad | None = None
        self._retiring = False
        self._closing = False
        self._thread = threading.Thread(target=self._own, name=f"tab-{name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the tab can still take calls. Does not ask the browser."""
        return self._loss is None

    @property
    def origin(self) -> str:
        """The site's scheme and host."""
        return self._origin

    def fetch(self, request: PageRequest) -> TabResponse:
        """Start a call in the page. Raises TabLost."""
        with self._gate:
            self._raise_if_lost()
            self._numbers += 1
            response = TabResponse(self._numbers, self.abort, self.resume, self._why_lost)
            self._inbox.put(("start", (response, request)))
        return response

    def send(self, request: PageRequest) -> None:
        """Start a call and ignore its answer. Never raises."""
        with self._gate:
            if not self._loss:
                self._numbers += 1
                self._inbox.put(("send", (self._numbers, request)))

    def load_page(self, load: Callable[[ChromeTab], Loaded]) -> PageLoad:
        """Order a load of the page, to run as soon as no call runs in it. Raises TabLost."""
        order = PageLoad(load)
        with self._gate:
            self._raise_if_lost()
            self._inbox.put(("load", order))
        return order

    def retire(self) -> None:
        """Close the tab as soon as no call runs in it. The caller may start no more calls."""
        self._inbox.put(("retire", None))

    def abort(self, response: TabResponse) -> None:
        """Stop a response's fetch in the page."""
        self._inbox.put(("abort", response.number))

    def resume(self, response: TabResponse) -> None:
        """Let a held response flow again, because its reader has caught up."""
        response.held = False
        self._inbox.put(("hold", (response.number, False)))

    def close(self) -> None:
        """Close tab and browser; every running response ends with TabLost. Bounded in time, idempotent.

        The responses do not wait for the browser: a reader without text checks each second whether the tab is lost.
        """
        with self._gate:
            self._loss = self._loss or TabLost(CLOSED)
        self._inbox.put(("close", None))
        self._thread.join(CLOSE_WAIT)
        if self._thread.is_alive():
            self._chrome.close(politely=False)  # so that a hanging call of the driver fails
            self._thread.join(CLOSE_WAIT)

    def _why_lost(self) -> ProxyError | None:
        return self._loss

    def _raise_if_lost(self) -> None:
        if self._loss:
            raise type(self._loss)(self._loss.message)

    def _own(self) -> None:
        loss: ProxyError = TabLost(CLOSED)
        try:
            self._chrome.driver.set_script_timeout(SCRIPT_TIMEOUT)
            while True:
                self._tidy()
                self._take_orders()
                if self._closing:
                    break
                if self._live:
                    self._exchange()
                else:
                    self._load_page()
        except ProxyError as error:
            loss = error
            log.warning("account=%s tab lost: %s", self.name, error.message)
        except DRIVER_ERRORS as error:
            loss = TabLost(f"The browser tab died ({type(error).__name__}).")
            log.warning("account=%s tab lost: %s", self.name, loss.message)
        finally:
            self._end(loss)

    def _end(self, loss: ProxyError) -> None:
        with self._gate:
            error = self._loss = self._loss or loss
        while not self._inbox.empty():
            self._note(*self._inbox.get())
        for stream in self._streams.values():
            stream.fail(error)
        self._streams.clear()
        if self._load:
            self._load.fail(error)
        self._chrome.close(politely=self._closing)

    def _tidy(self) -> None:
        if self._litter < (TIDY_BUSY if self._live else TIDY_IDLE):
            return
        self._litter = 0
        self._chrome.renew_session()
        self._chrome.driver.set_script_timeout(SCRIPT_TIMEOUT)
        # Either can fail in a page that navigates; a real failure shows at the next exchange.
        with contextlib.suppress(WebDriverException):
            self._chrome.install(self._bridge)
            self._chrome.cdp("HeapProfiler.collectGarbage")

    @property
    def _live(self) -> bool:
        """Whether the page has a call to carry, or an order to get."""
        if self._sends:
            now = time.monotonic()
            self._sends = {number: end for number, end in self._sends.items() if end > now}
        return bool(self._streams or self._orders or self._sends)

    def _take_orders(self) -> None:
        if not self._live and not self._load and not self._retiring:
            self._note(*self._inbox.get())
            self._last_message = time.monotonic()
        while not self._inbox.empty():
            self._note(*self._inbox.get())
        self._closing = self._closing or (self._retiring and not self._live)

    def _note(self, kind: str, value: Any) -> None:
        if kind == "start":
            response, request = value
            self._streams[response.number] = response
            self._orders.start(response.number, request)
        elif kind == "send":
            number, request = value
            self._sends[number] = time.monotonic() + SEND_WAIT
            self._orders.start(number, request)
        elif kind == "abort":
            if self._streams.pop(value, None):
                self._orders.abort(value)
        elif kind == "hold":
            self._orders.hold(*value)
        elif kind == "load":
            self._load = value
        elif kind == "retire":
            self._retiring = True
        else:
            self._closing = True

    def _load_page(self) -> None:
        load, self._load = self._load, None
        if load:
            self._litter = 0
            load.run(self._chrome)
            self._last_message = time.monotonic()

    def _exchange(self) -> None:
        now = time.monotonic()
        quiet = now - self._last_message > TICK
        wait = 0 if not self._streams or self._orders.uploading else QUIET_WAIT if quiet else BUSY_WAIT
        order = {"epoch": self._epoch, "ack": self._acknowledged, "wait": wait, **self._orders.batch()}
        try:
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
            if payload != self.token:
                self.token = payload
                self._on_token(payload)
            return
        if kind in ("end", "error"):
            self._sends.pop(number, None)
        stream = self._streams.get(number)
        if stream is None:
            return
        if kind == "error":
            stream.fail(NetworkFailed(f"The browser could not reach the site, or lost the connection ({payload})."))
        elif stream.deliver(kind, payload) and not stream.held:
            stream.held = True
            self._orders.hold(number, True)
        if kind in ("end", "error"):
            del self._streams[number]
