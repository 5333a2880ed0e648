"""GET /api/ws: the native chat over a WebSocket, one request of POST /api/chat per message (contract 4).

The route opens the socket and counts it: each one holds a request thread for as long as it is open. Who asks, and what
is answered, is the business of ws_chat.py; what a chat remembers that of history/conversations.py.
"""

from __future__ import annotations

import base64
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from flask import Blueprint, Flask, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from qwenproxy.api.auth import SOCKET_ROUTE, sent_keys
from qwenproxy.api.errors import error_response
from qwenproxy.api.native.ws_chat import MAX_WAITING, SocketChat
from qwenproxy.errors import NotFound, QueueTimeout, RequestError
from qwenproxy.observe.logs import forget_request
from qwenproxy.wsgi.client import ClientSocket

log = logging.getLogger(__name__)

SOCKETS = "qwenproxy.sockets"
SERVER_SOCKETS = ("gunicorn.socket", "werkzeug.socket")
PING_INTERVAL = 25  # seconds; a client that misses one whole interval is gone
TRY_AGAIN_LATER = 1013  # WebSocket close code
FAREWELL = 1.0  # seconds a client gets to answer the closing of its socket


class Sockets:
    """The open WebSockets of one server: how many there may be, and whether there may be any."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.stopping = threading.Event()
        self._places = threading.BoundedSemaphore(most)

    def stop(self) -> None:
        """Close each socket once its running answer has ended. Idempotent."""
        self.stopping.set()

    def talk(self, ws: Server) -> None:
        """Serve a socket until it is closed, or send it away where no place is free."""
        # Whoever comes back at once comes before their old socket has said farewell.
        if not self._places.acquire(timeout=FAREWELL):
            _send_away(ws, f"{self.most} WebSockets are open already; try again later.")
            return
        try:
            _talk(ws, self.stopping)
        finally:
            self._places.release()


def register_ws(app: Flask, max_sockets: int) -> None:
    """Put the WebSocket route on the app; `max_sockets` may be open at once."""
    app.config["SOCK_SERVER_OPTIONS"] = {
        "ping_interval": PING_INTERVAL,
        "max_message_size": app.config["MAX_CONTENT_LENGTH"],
    }
    sockets = app.extensions[SOCKETS] = Sockets(max_sockets)
    app.register_blueprint(_blueprint(sockets))


def _blueprint(sockets: Sockets) -> Blueprint:
    """Return the WebSocket route, and the same address for those who do not know that it is one."""
    routes = Blueprint("ws", __name__)
    routes.before_request(_prepare_handshake)
    # The answer to a handshake is never closed, so that what the app does then has to be done here.
    routes.teardown_request(lambda _: forget_request())
    routes.register_error_handler(RemoteProtocolError, _refuse_handshake)
    Sock().route(SOCKET_ROUTE, bp=routes)(sockets.talk)
    routes.add_url_rule(SOCKET_ROUTE, endpoint="explain", view_func=_explain)
    return routes


class FrameSocket:
    """The connection as the WebSocket library may use it.

    One thread writes at a time, since the library answers pings beside us; a client that says more than anybody will
    listen to is cut off; and the closing itself is left to the server, which still counts on the connection.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._writing = threading.Lock()
        self.backlog: Callable[[], int] = lambda: 0  # messages nobody has taken yet

    def send(self, data: bytes) -> int:
        """Write all of it."""
        with self._writing:
            self._connection.sendall(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        """Read some bytes. Raises ConnectionAbortedError when too many messages wait."""
        if self.backlog() > MAX_WAITING:
            raise ConnectionAbortedError("the client sends faster than it can be answered")
        return self._connection.recv(size)

    def fileno(self) -> int:
        """Return the file descriptor, for the library's selector."""
        return self._connection.fileno()

    def close(self) -> None:
        """Leave the connection open: that it is over is known without."""

    def stop_reading(self) -> None:
        """Let whoever waits for input see its end."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RD)


def _talk(ws: Server, stopping: threading.Event) -> None:
    ws.sock.backlog = lambda: len(ws.input_buffer)
    code = None
    try:
        code = SocketChat(ws, sent_keys(), stopping).serve()
    except ConnectionClosed:
        log.info("the client closed its WebSocket")
    finally:
        _hang_up(ws, code)


def _send_away(ws: Server, message: str) -> None:
    with suppress(ConnectionClosed):
        SocketChat(ws).tell_error(QueueTimeout(message))
    _hang_up(ws, TRY_AGAIN_LATER)


def _hang_up(ws: Server, code: int | None) -> None:
    """Close the socket and see its reader off: the server closes the connection next, under whoever still reads."""
    with suppress(ConnectionClosed, LocalProtocolError, OSError):
        ws.close(code)
    ws.thread.join(FAREWELL)
    ws.sock.stop_reading()
    ws.thread.join(FAREWELL)


def _prepare_handshake() -> None:
    if request.endpoint == "ws.explain":
        return
    environ: dict[str, Any] = request.environ
    name = next((name for name in SERVER_SOCKETS if name in environ), None)
    if name is None:
        raise NotFound(
            'This server cannot carry WebSockets (waitress, used on Windows). Use POST /api/chat with "stream":true.'
        )
    if request.headers.get("Sec-WebSocket-Version") != "13" or not _is_nonce(request.headers.get("Sec-WebSocket-Key")):
        raise RequestError("This is not a WebSocket handshake of version 13.")
    if isinstance(environ[name], ClientSocket):
        environ[name].read_without_limit()
    environ[name] = FrameSocket(environ[name])


def _is_nonce(key: str | None) -> bool:
    try:
        return len(base64.b64decode(key or "", validate=True)) == 16
    except ValueError:
        return False


def _refuse_handshake(_: Exception) -> Any:
    return error_response(RequestError("This is not a WebSocket handshake."))


def _explain() -> NoReturn:
    raise RequestError('This address speaks WebSocket (ws://…). Over plain HTTP use POST /api/chat with "stream":true.')
