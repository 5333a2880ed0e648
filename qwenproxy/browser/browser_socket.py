"""Orders to a running Chrome as a whole, over its own DevTools socket: what no driver session may order.

A session speaks for its tab only: Chrome refuses it browser contexts, and hides another context's tabs from nobody.
contexts.py and blocked_tabs.py use this. Knows no accounts and no driver.
"""

from __future__ import annotations

import json
import time
from types import TracebackType
from typing import Any

import websocket
from selenium.common.exceptions import WebDriverException

from qwenproxy.browser.devtools_address import local_devtools

ORDER_WAIT = 8.0  # seconds for Chrome to obey; the quickest orders take some ms


class BrowserSocket:
    """A connection to a Chrome, for one thread and a few orders."""

    def __init__(self, devtools: str, wait: float = ORDER_WAIT) -> None:
        """`devtools` is the host and port of Chrome's DevTools. Nothing may take longer than `wait` (s).

        Raises OSError.
        """
        self._wait = wait
        self._number = 0
        self._socket = local_devtools(devtools, wait).connect(wait)

    def __enter__(self) -> BrowserSocket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close(timeout=0)  # Chrome needs no farewell

    def order(self, command: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Return the result of a DevTools command, in a tab's `session` if it names one.

        Raises WebDriverException if Chrome refuses, OSError if it is silent or gone.
        """
        self._number += 1
        order = {"id": self._number, "method": command, "params": parameters}
        try:
            self._socket.send(json.dumps({**order, "sessionId": session} if session else order))
            return self._result(command, time.monotonic() + self._wait)
        except (websocket.WebSocketException, ValueError) as error:
            raise OSError(f"Chrome does not obey {command} ({type(error).__name__})") from error

    def _result(self, command: str, deadline: float) -> dict[str, Any]:
        while time.monotonic() < deadline:
            message = json.loads(self._socket.recv())
            if message.get("id") != self._number:
                continue  # an event, or the late answer to an earlier order
            if "error" in message:
                raise WebDriverException(f"{command}: {message['error'].get('message')}")
            result: dict[str, Any] = message["result"]
            return result
        raise TimeoutError(f"Chrome does not obey {command}")
