"""A driver and a browser without Chrome: the page's half of the exchange, played in Python.

Follows bridge.js where the owner thread can tell: messages stay until they are acknowledged, a start runs once.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any

from selenium.common.exceptions import JavascriptException

from qwenproxy.browser.chrome_tab import no_trouble
from qwenproxy.browser.pace import LOCAL, Pace
from qwenproxy.browser.response import TabResponse


class FakePage:
    """The page behind a FakeDriver. Tests push messages; the owner thread fetches them by exchange."""

    def __init__(self, origin: str = "https://site.test") -> None:
        self.origin = origin
        self.epoch = "first"
        self.orders: list[dict[str, Any]] = []  # of every exchange, in order
        self.started: list[dict[str, Any]] = []  # what the page really ran
        self.aborted: list[int] = []
        self.held: list[tuple[int, bool]] = []
        self.bodies: dict[int, dict[int, str]] = {}  # pieces of big bodies by call and place
        self.ignores_acknowledgements = False
        self._outbox: list[list[Any]] = []
        self._sequence = 0
        self._last_started = 0
        self._changed = threading.Condition()

    def push(self, number: int, kind: str, payload: object = None) -> None:
        """Have a message for the owner thread."""
        with self._changed:
            self._sequence += 1
            self._outbox.append([self._sequence, number, kind, payload])
            self._changed.notify_all()

    def reload(self) -> None:
        """Lose everything, as a page that loads again does."""
        with self._changed:
            self.epoch += "'"
            self._outbox, self._sequence, self._last_started = [], 0, 0
            self._changed.notify_all()

    def await_that(self, what: Callable[[], object]) -> None:
        """Wait until something about this page holds; checked after each exchange."""
        with self._changed:
            assert self._changed.wait_for(what, timeout=5)

    def exchange(self, order: dict[str, Any]) -> dict[str, Any]:
        with self._changed:
            epoch = self.epoch
            self.orders.append(order)
            if order["epoch"] == self.epoch and not self.ignores_acknowledgements:
                self._outbox = [message for message in self._outbox if message[0] > order["ack"]]
            for number, index, text in order["parts"]:
                self.bodies.setdefault(number, {})[index] = text
            for start in order["start"]:
                if start["nth"] > self._last_started:
                    self._last_started = start["nth"]
                    self.started.append(start)
            self.aborted += order["abort"]
            self.held += [tuple(hold) for hold in order["hold"]]
            self._changed.notify_all()
            if not self._outbox:
                self._changed.wait(order["wait"] / 1000)
            if epoch != self.epoch:
                raise JavascriptException("document unloaded while waiting for result")
            return {"epoch": self.epoch, "origin": self.origin, "messages": list(self._outbox)}


class FakeDriver:
    """What the owner thread uses of Selenium. `failures` are raised by exchanges, one each, oldest first.

    With `reply_lost` the page has seen the order of the exchange that fails.
    """

    def __init__(self, page: FakePage) -> None:
        self.page = page
        self.failures: list[Exception] = []
        self.always: Exception | None = None
        self.reply_lost = False
        self.installed: list[str] = []
        self.storage: dict[str, str] = {}
        self.readings = 0  # of the storage
        self.script_timeout = 0.0
        self.hang: threading.Event | None = None
        self.hanging = threading.Event()

    def set_script_timeout(self, seconds: float) -> None:
        self.script_timeout = seconds

    def execute_async_script(self, script: str, text: str) -> str:
        assert script == "window.__qwenproxy.exchange(...arguments)"
        if self.hang:
            self.hanging.set()
            self.hang.wait(10)
            raise OSError("the driver went away")
        failure = self.failures.pop(0) if self.failures else self.always
        if failure is None:
            return json.dumps(self.page.exchange(json.loads(text)))
        if self.reply_lost:
            self.page.exchange(json.loads(text))
        raise failure

    def execute_script(self, script: str) -> object:
        if "Object.entries(localStorage)" in script:
            self.readings += 1
            return [self.page.origin, list(self.storage.items())]
        self.installed.append(script)
        return None


class FakeChrome:
    """The browser around a FakeDriver; `commands` came in this order, `closed` says how each closing was done."""

    def __init__(self, driver: FakeDriver, on_close: Callable[[], None] = lambda: None, pace: Pace = LOCAL) -> None:
        self.driver = driver
        self._on_close = on_close
        self.commands: list[str] = []
        self.gone: Exception | None = None
        self.closed: list[bool] = []
        self.cookies: list[dict[str, object]] = []
        self.way_trouble = no_trouble
        self.pace = pace
        self.hurries = 0  # commands that the pace's time limit holds for
        self._changed = threading.Condition()

    def await_that(self, what: Callable[[], object]) -> None:
        """Wait until something about the commands holds."""
        with self._changed:
            assert self._changed.wait_for(what, timeout=5)

    def hurried(self) -> contextlib.AbstractContextManager[None]:
        self.hurries += 1
        return contextlib.nullcontext()

    def cdp(self, command: str, **_parameters: object) -> dict[str, object]:
        if self.driver.always:
            raise self.driver.always
        if command == "Network.getAllCookies":
            return {"cookies": self.cookies}
        with self._changed:
            self.commands.append(command)
            self._changed.notify_all()
        return {}

    def install(self, script: str) -> None:
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source=script)

    def renew_session(self) -> None:
        if self.gone:
            raise self.gone
        self.commands.append("renew_session")
        self.driver.script_timeout = 0.0

    def close(self, *, politely: bool = True) -> None:
        self.closed.append(politely)
        if self.driver.hang:
            self.driver.hang.set()
        self._on_close()


class FakeBrowser:
    """A Chrome with FakeChromes for tabs; it ends with the last of them."""

    def __init__(self, pace: Pace = LOCAL) -> None:
        self.tabs: list[FakeChrome] = []
        self.closed = False
        self.is_running = True
        self.has_profile = self.shares_login = self.is_current = True
        self.pace = pace
        self.on_close: Callable[[], None] = lambda: None
        self._changed = threading.Condition()
        self.tab = self.open_tab()

    def open_tab(self) -> FakeChrome:
        """Open one more tab."""
        tab = FakeChrome(FakeDriver(FakePage()), self._note, self.pace)
        self.tabs.append(tab)
        return tab

    def close(self, *, politely: bool = True) -> None:
        """End, with whatever tabs there are."""
        self.closed = True
        self.on_close()

    def await_that(self, what: Callable[[], object]) -> None:
        """Wait until something about the tabs holds; looked at whenever one closes."""
        with self._changed:
            assert self._changed.wait_for(what, timeout=5)

    def _note(self) -> None:
        with self._changed:
            self._changed.notify_all()
        if all(tab.closed for tab in self.tabs):
            self.closed = True


def read(response: TabResponse) -> str:
    """Return the whole body."""
    return "".join(response.iter_text())
