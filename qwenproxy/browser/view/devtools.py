"""A connection to the DevTools of a browser that stays open: orders with and without an answer, and events.

Works for view.py, on a thread of its own that reads. Knows no page and no person.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import orjson
import websocket

from qwenproxy.browser.devtools_address import DevToolsAddress

log = logging.getLogger(__name__)

ORDER_WAIT = 5.0  # seconds for an answer; the browser takes some ms

Event = dict[str, Any]


class DevTools:
    """The connection; any thread may order, but only others than the one that gets the events may wait for answers."""

    def __init__(self, address: DevToolsAddress, on_event: Callable[[Event], None], on_end: Callable[[], None]) -> None:
        """`on_event` gets each event, and `on_end` is called once when the browser goes; both on the reader's thread.

        Raises OSError.
        """
        self._socket = address.connect(ORDER_WAIT)
        self._socket.settimeout(None)
        self._on_event = on_event
        self._on_end = on_end
        self._lock = threading.Lock()
        self._number = 0
        self._answers: dict[int, _Answer] = {}
        self._is_open = True
        self._reader = threading.Thread(target=self._read, name="view", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._reader.start()

    def tell(self, method: str, session: str = "", /, **parameters: object) -> None:
        """Give an order whose answer nobody wants. A browser that has gone is no error: `on_end` tells it."""
        with self._lock:
            self._number += 1
            number = self._number
        self._send(number, method, session, parameters)

    def ask(self, method: str, session: str = "", /, **parameters: object) -> dict[str, Any] | None:
        """Return the result of an order; None if the browser refuses it, is silent or has gone."""
        answer = _Answer()
        with self._lock:
            if not self._is_open:
                return None
            self._number += 1
            number = self._number
            self._answers[number] = answer
        self._send(number, method, session, parameters)
        answer.there.wait(ORDER_WAIT)
        with self._lock:
            self._answers.pop(number, None)
        return answer.result

    def close(self) -> None:
        """End the connection. Idempotent."""
        self._break()
        if self._reader.is_alive() and threading.current_thread() is not self._reader:
            self._reader.join(ORDER_WAIT)

    def _send(self, number: int, method: str, session: str, parameters: dict[str, object]) -> None:
        order = {"id": number, "method": method, "params": parameters}
        try:
            self._socket.send(json.dumps({**order, "sessionId": session} if session else order))
        except (websocket.WebSocketException, OSError):
            self._break()  # the reader notices, and tells

    def _break(self) -> None:
        """Let the reader wake up and end."""
        abort: Callable[[], None] = self._socket.abort
        abort()

    def _read(self) -> None:
        try:
            while True:
                message = orjson.loads(self._socket.recv())
                if "id" in message:
                    self._note_answer(message)
                else:
                    self._on_event(message)
        except (websocket.WebSocketException, OSError, ValueError):
            pass  # it was closed, or the browser has gone
        finally:
            self._end()

    def _note_answer(self, message: dict[str, Any]) -> None:
        with self._lock:
            answer = self._answers.get(message["id"])
        if answer:
            answer.result = message.get("result")
            answer.there.set()

    def _end(self) -> None:
        with self._lock:
            self._is_open = False
            waiting = list(self._answers.values())
        for answer in waiting:
            answer.there.set()
        shutdown: Callable[[], None] = self._socket.shutdown
        shutdown()
        self._on_end()


class _Answer:
    """An answer that somebody waits for."""

    def __init__(self) -> None:
        self.there = threading.Event()
        self.result: dict[str, Any] | None = None
