"""A logged-in tab that carries many calls at once: the Python half of the exchange (architecture 2).

One thread per open tab owns the driver, so there is no lock around Selenium: nobody else has it. Request threads touch
queues only. While anything is live the owner repeats one script call that hands the page its orders and brings back
what arrived; with nothing live it blocks on its order queue and costs no CPU.
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
BUSY_WAIT = 25  # milliseconds the page may hold an exchange open: how long a new order can wait
QUIET_WAIT = 100  # the same once every stream has been silent for a second
SCRIPT_TIMEOUT = 2.2  # seconds; a page that navigates answers nothing but a script timeout
LOOK_AGAIN = 0.05  # seconds between two looks at a page that is away
# The page lets pile up what fetches leave behind, and the driver's session holds on to every reply, until we tidy up:
CALL_LITTER = 40_000  # bytes that stay of a call, beside its share of the replies
TIDY_IDLE = 4_000_000  # bytes from which we do so once nothing is live
TIDY_BUSY = 20_000_000  # bytes from which we do so all the same, for a pause of some 50 ms
SEND_WAIT = 5.0  # seconds a call nobody waits for keeps the page from being loaded anew or closed
CLOSE_WAIT = 8.0  # seconds the owner thread gets to close its browser before that is done for it
CLOSED = "The browser was closed: the server is stopping."


class Tab:
    """A Chrome tab on the site, owned by one thread. `on_token` hears of each token the site renews."""

    def __init__(self, name: str, chrome: ChromeTab, site: Site, token: str, on_token: Callable[[str], None]) -> None:
        """Take over a tab whose page is loaded; nobody else may use its driver from here on.

        `on_token` runs on the owner thread, which must not be kept waiting.
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
        self._lost: ProxyError | None = None
        # Owner thread only:
        self._orders = Orders()
        self._streams: dict[int, TabResponse] = {}
        self._epoch = ""
        self._acknowledged = 0
        self._last_message = time.monotonic()
        self._absence = Absence()
        self._litter = 0  # bytes left in the page since it was tidied
        self._sends: dict[int, float] = {}  # calls nobody waits for, and until when they keep the page (monotonic s)
        self._load: PageLoad | None = None
        self._retiring = False
        self._closing = False
        self._thread = threading.Thread(target=self._own, name=f"tab-{name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the tab can still take calls, as far as is known without asking the browser."""
        return self._lost is None

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
        """Start a call whose answer nobody waits for."""
        with self._gate:
            if not self._lost:
                self._numbers += 1
                self._inbox.put(("send", (self._numbers, request)))

    def load_page(self, load: Callable[[ChromeTab], Loaded]) -> PageLoad:
        """Have the page loaded anew as soon as no call runs in it. Raises TabLost."""
        wanted = PageLoad(load)
        with self._gate:
            self._raise_if_lost()
            self._inbox.put(("load", wanted))
        return wanted

    def retire(self) -> None:
        """Close the tab as soon as no call runs in it. Nobody may give it another one."""
        self._inbox.put(("retire", None))

    def abort(self, response: TabResponse) -> None:
        """Stop a response's fetch in the page."""
        self._inbox.put(("abort", response.number))

    def resume(self, response: TabResponse) -> None:
        """Let a held response flow again: its reader has caught up."""
        response.held = False
        self._inbox.put(("hold", (response.number, False)))

    def close(self) -> None:
        """Close tab and browser; every response under way ends with TabLost. Bounded in time, idempotent.

        The responses do not wait for the browser: a reader that gets nothing looks each second whether the tab is lost.
        """
        with self._gate:
            self._lost = self._lost or TabLost(CLOSED)
        self._inbox.put(("close", None))
        self._thread.join(CLOSE_WAIT)
        if self._thread.is_alive():
            self._chrome.close(politely=False)  # makes the driver call that hangs fail
            self._thread.join(CLOSE_WAIT)

    def _why_lost(self) -> ProxyError | None:
        return self._lost

    def _raise_if_lost(self) -> None:
        if self._lost:
            raise type(self._lost)(self._lost.message)

    def _own(self) -> None:
        lost: ProxyError = TabLost(CLOSED)
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
            lost = error
            log.warning("account=%s tab lost: %s", self.name, error.message)
        except DRIVER_ERRORS as error:
            lost = TabLost(f"The browser tab died ({type(error).__name__}).")
            log.warning("account=%s tab lost: %s", self.name, lost.message)
        finally:
            self._end(lost)

    def _end(self, lost: ProxyError) -> None:
        with self._gate:
            error = self._lost = self._lost or lost
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
        # A page that just navigates may have neither; whatever else is wrong shows at the next exchange.
        with contextlib.suppress(WebDriverException):
            self._chrome.install(self._bridge)
            self._chrome.cdp("HeapProfiler.collectGarbage")

    @property
    def _live(self) -> bool:
        """Whether the page has something to do, or to be told."""
        if self._sends:
            now = time.monotonic()
            self._sends = {number: until for number, until in self._sends.items() if until > now}
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
        """Put the bridge into a page that has none: it reloaded, or is about to."""
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
