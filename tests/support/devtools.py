"""What a person could do in the developer tools of a running Chrome, for tests that disturb a tab from outside."""

from __future__ import annotations

import json
from typing import Any

import httpx
import psutil
import websocket


def devtools(chrome: psutil.Process, method: str, **params: Any) -> dict[str, Any]:
    """Run one DevTools command in the tab of a running Chrome and return its result."""
    [port] = [word.partition("=")[2] for word in chrome.cmdline() if word.startswith("--remote-debugging-port=")]
    targets = httpx.get(f"http://127.0.0.1:{port}/json").json()
    [page] = [target for target in targets if target["type"] == "page"]
    # Chrome refuses a socket that names an origin
    socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=20, suppress_origin=True)
    try:
        socket.send(json.dumps({"id": 1, "method": method, "params": params}))
        while (message := json.loads(socket.recv())).get("id") != 1:
            pass  # an event, of which Chrome sends some unasked
    finally:
        socket.close()
    result: dict[str, Any] = message["result"]
    return result


def evaluate(chrome: psutil.Process, expression: str) -> Any:
    """Return the value of a JavaScript expression in the page."""
    return devtools(chrome, "Runtime.evaluate", expression=expression)["result"].get("value")
