"""A program at a person's window, with the admin key: it types and presses keys, and reads what the window says."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import TracebackType
from typing import Any

import httpx
import websocket
from proxy_process import Proxy, eventually

from qwenproxy.access.keys import KeyFile
from qwenproxy.disk.folder import SessionFolder

WAIT = 60.0  # seconds


class WindowCaller:
    """The window of an account, or one in which it is added, and the one viewer of it.

    `titles` are those of the pages it showed.
    """

    def __init__(self, proxy: Proxy, account_id: str) -> None:
        httpx.get(f"{proxy.url}/health", timeout=WAIT)  # the key is there once the server answers
        self._key = KeyFile(SessionFolder(proxy.session_dir).admin_key).keys()[0]
        self._headers = {"Authorization": f"Bearer {self._key}"}
        self._url = proxy.url
        self.titles: list[str] = []
        if proxy.registry.get(account_id):
            window = self._ask("POST", f"/admin/api/accounts/{account_id}/window", {})
        else:
            window = self._ask("POST", "/admin/api/windows", {"id": account_id})
        self._window = f"/admin/api/windows/{window['id']}"
        ticket = self._ask("POST", f"{self._window}/ticket")["ticket"]
        address = f"ws{proxy.url.removeprefix('http')}/admin/api/window"
        headers = [f"Authorization: Bearer {self._key}"]
        self._socket = websocket.create_connection(address, timeout=WAIT, header=headers, suppress_origin=True)
        self._socket.send(json.dumps({"ticket": ticket}))

    def __enter__(self) -> WindowCaller:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shut_down: Callable[[], None] = self._socket.shutdown
        shut_down()

    def await_page(self, origin: str) -> None:
        """Wait until the window shows a page of this origin, and its picture has come."""
        self._read(lambda note: note.get("kind") == "page" and note["origin"] == origin)
        # Its picture may have come before, and a page that does not change makes no more. In another size it does.
        self._do({"kind": "size", "width": 900, "height": 700, "scale": 1})
        self._read(lambda note: note.get("kind") == "picture")

    def await_step(self, step: str) -> None:
        """Wait until the login has come to a step."""
        self._read(lambda note: note.get("kind") == "state" and note["step"] == step)

    def confirm(self) -> None:
        """Say that all is done."""
        self._ask("POST", f"{self._window}/done")

    def type(self, text: str) -> None:
        """Put a text where the cursor is."""
        self._do({"kind": "text", "text": text})

    def press(self, key: str) -> None:
        """Press a key that has a name, and let it go."""
        code = {"Tab": 9, "Enter": 13}[key]
        self._do(*({"kind": "key", "type": each, "key": key, "code": key, "keyCode": code} for each in ("down", "up")))

    def end(self) -> tuple[str, str]:
        """Return how the login has ended, and for which account."""
        state = eventually(self._ended, WAIT)
        return state["state"], state["account"]

    def _ended(self) -> dict[str, Any]:
        state = self._ask("GET", self._window)
        return state if state["state"] != "running" else {}

    def _do(self, *events: dict[str, Any]) -> None:
        self._socket.send(json.dumps({"n": 1, "events": events}))
        self._read(lambda note: note.get("kind") == "taken" and note["n"] == 1)

    def _read(self, fits: Callable[[dict[str, Any]], bool]) -> None:
        while True:
            opcode, data = self._socket.recv_data()
            is_picture = opcode == websocket.ABNF.OPCODE_BINARY
            if is_picture:  # the browser makes no more pictures than are drawn
                drawn = {"kind": "drawn", "number": int.from_bytes(data[:4], "big")}
                self._socket.send(json.dumps({"n": 0, "events": [drawn]}))
            note = {"kind": "picture"} if is_picture else json.loads(data)
            self.titles += [note["title"]] if note["kind"] == "page" else []
            if fits(note):
                return

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = httpx.request(method, self._url + path, json=body, headers=self._headers, timeout=WAIT)
        return dict(answer.raise_for_status().json())
