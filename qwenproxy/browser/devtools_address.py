"""Where the DevTools of a whole browser are, and a connection to them: local Chromes, and those behind a Grid's hub.

browser_socket.py and view/devtools.py connect through it. Knows no order.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import websocket


@dataclass(frozen=True, slots=True)
class DevToolsAddress:
    """`find` returns the address of the socket and raises OSError, HTTPException, ValueError or LookupError.

    `headers` are sent with the handshake, a password of the hub among them; `trust` is for TLS. `is_local`: the browser
    runs on this machine, and reads its disk.
    """

    find: Callable[[], str]
    headers: tuple[str, ...] = field(default=(), repr=False)
    trust: ssl.SSLContext | None = None
    is_local: bool = False

    def connect(self, wait: float) -> websocket.WebSocket:
        """Return an open socket, on which nothing takes longer than `wait` (s). Raises OSError."""
        try:
            url = self.find()
            with contextlib.ExitStack() as stack:
                connection = stack.enter_context(_connected(url, wait, self.trust))
                # Chrome lets no web page in, and an origin would make us one.
                opened = websocket.create_connection(
                    url, timeout=wait, socket=connection, suppress_origin=True, header=list(self.headers)
                )
                stack.pop_all()
            return opened
        except (websocket.WebSocketException, HTTPException, ValueError, LookupError) as error:
            raise OSError(f"the browser's DevTools do not answer ({type(error).__name__})") from error


def _connected(url: str, wait: float, trust: ssl.SSLContext | None) -> socket.socket:
    """Return a connection; made here, because the library would take a proxy that the environment names."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = socket.create_connection((host, parts.port or (443 if parts.scheme == "wss" else 80)), wait)
    if parts.scheme != "wss":
        return connection
    with contextlib.ExitStack() as stack:
        stack.enter_context(connection)
        wrapped = (trust or ssl.create_default_context()).wrap_socket(connection, server_hostname=host)
        stack.pop_all()
    return wrapped


def local_devtools(place: str, wait: float) -> DevToolsAddress:
    """Return the address of a Chrome on this machine; `place` is the host and port of its DevTools."""

    def find() -> str:
        connection = HTTPConnection(place, timeout=wait)
        try:
            connection.request("GET", "/json/version")
            return str(json.loads(connection.getresponse().read())["webSocketDebuggerUrl"])
        finally:
            connection.close()

    return DevToolsAddress(find, is_local=True)
