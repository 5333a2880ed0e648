"""What a person could do in the developer tools of a running Chrome, for tests that disturb a tab from outside."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import websocket
from proxy_process import eventually


def devtools(chrome: psutil.Process, method: str, **params: Any) -> dict[str, Any]:
    """Run one DevTools command in the tab of a running Chrome and return its result."""
    with _attached(chrome) as socket:
        return _run(socket, method, params)


def reload_and_wait(chrome: psutil.Process) -> None:
    """Reload the page of the tab; return when the old document is gone."""
    _leave_and_wait(chrome, "Page.reload", {})


def navigate_and_wait(chrome: psutil.Process, url: str) -> None:
    """Send the tab to another address; return when the old document is gone."""
    _leave_and_wait(chrome, "Page.navigate", {"url": url})


def evaluate(chrome: psutil.Process, expression: str, at: str = "") -> Any:
    """Return the value of a JavaScript expression in the page; with several, in the one with `at` in its address."""
    with _attached(chrome, at) as socket:
        return _run(socket, "Runtime.evaluate", {"expression": expression})["result"].get("value")


def _leave_and_wait(chrome: psutil.Process, method: str, params: dict[str, Any]) -> None:
    """Run a command that replaces the document, and wait for the event: the command itself returns before that."""
    with _attached(chrome) as socket:
        _run(socket, "Page.enable", {})
        socket.send(json.dumps({"id": 2, "method": method, "params": params}))
        # No text: the product has closed the tab because of it.
        while (text := socket.recv()) and json.loads(text).get("method") != "Page.frameNavigated":
            pass


@contextlib.contextmanager
def _attached(chrome: psutil.Process, at: str = "") -> Iterator[websocket.WebSocket]:
    [port] = [word.partition("=")[2] for word in chrome.cmdline() if word.startswith("--remote-debugging-port=")]

    def pages() -> list[dict[str, Any]]:
        targets = httpx.get(f"http://127.0.0.1:{port}/json").json()
        return [target for target in targets if target["type"] == "page" and at in target["url"]]

    [page] = eventually(pages)  # a pop-up has its address some time after it has opened
    # Chrome refuses a socket that names an origin
    socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=20, suppress_origin=True)
    try:
        yield socket
    finally:
        socket.close()


def _run(socket: websocket.WebSocket, method: str, params: dict[str, Any]) -> dict[str, Any]:
    socket.send(json.dumps({"id": 1, "method": method, "params": params}))
    while (message := json.loads(socket.recv())).get("id") != 1:
        pass  # an event, of which Chrome sends some unasked
    result: dict[str, Any] = message["result"]
    return result
