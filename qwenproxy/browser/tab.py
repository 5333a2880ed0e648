"""A logged-in tab that carries many calls at once, for any thread (architecture 2).

One thread per open tab owns the driver, so Selenium needs no lock. Request threads touch queues only. While a call runs
the owner repeats the exchange of exchange.py; with no call it blocks on its order queue and costs no CPU.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from qwenproxy.browser.chrome_tab import DRIVER_ERRORS, ChromeTab
from qwenproxy.browser.exchange import Exchange
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.page_load import PageLoad
from qwenproxy.browser.response import TabResponse
from qwenproxy.browser.site import Loaded, Site
from qwenproxy.errors import ProxyError, TabLost

log = logging.getLogger(__name__)

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
        self._on_token = on_token
        self._inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._gate = threading.Lock()  # between a new order and the end of the tab
        self._numbers = 0
        self._loss: ProxyError | None = None
        # Owner thread only:
        self._exchange = Exchange(chrome, site, self._note_token)
        self._load: PageLoad | None = None
        self._errand: Callable[[ChromeTab], None] | None = None
        self._errand_is_urgent = False
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

    @property
    def litter(self) -> int:
        """The garbage that calls have left in the page (bytes). For any thread."""
        return self._exchange.litter

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

    def run_errand(self, errand: Callable[[ChromeTab], None], *, urgent: bool = False) -> None:
        """Order a short errand for the owner thread, for when no call runs; at the latest before a polite end.

        An `urgent` one halts running calls instead. Of several that wait only the last one runs. It must raise
        nothing. Never raises.
        """
        with self._gate:
            if not self._loss:
                self._inbox.put(("urgent errand" if urgent else "errand", errand))

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
            self._exchange.begin()
            while True:
                self._exchange.tidy()
                self._take_orders()
                if self._closing or self._errand_is_urgent:
                    self._run_errand()
                if self._closing:
                    break
                if self._exchange.live:
                    self._exchange.run()
                else:
                    self._load_page()
                    self._run_errand()
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
        self._exchange.fail(error)
        if self._load:
            self._load.fail(error)
        self._chrome.close(politely=self._closing)

    def _take_orders(self) -> None:
        if not (self._exchange.live or self._load or self._errand or self._retiring):
            self._note(*self._next_order())
            self._exchange.note_use()
        while not self._inbox.empty():
            self._note(*self._inbox.get())
        self._closing = self._closing or (self._retiring and not self._exchange.live)

    def _next_order(self) -> tuple[str, Any]:
        """Wait for an order; meanwhile give signs of life to a driver that ends idle sessions."""
        while True:
            try:
                return self._inbox.get(timeout=self._chrome.pace.ping)
            except queue.Empty:
                self._exchange.ping()

    def _note(self, kind: str, value: Any) -> None:
        if kind == "start":
            self._exchange.start(*value)
        elif kind == "send":
            self._exchange.send(*value)
        elif kind == "abort":
            self._exchange.abort(value)
        elif kind == "hold":
            self._exchange.hold(*value)
        elif kind == "load":
            self._load = value
        elif kind in ("errand", "urgent errand"):
            self._errand = value
            self._errand_is_urgent = self._errand_is_urgent or kind == "urgent errand"
        elif kind == "retire":
            self._retiring = True
        else:
            self._closing = True

    def _load_page(self) -> None:
        load, self._load = self._load, None
        if load:
            load.run(self._chrome)
            self._exchange.note_load()

    def _run_errand(self) -> None:
        errand, self._errand, self._errand_is_urgent = self._errand, None, False
        if errand:
            errand(self._chrome)

    def _note_token(self, token: str) -> None:
        if token != self.token:
            self.token = token
            self._on_token(token)
