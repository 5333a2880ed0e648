"""GET /api/ws: the native chat over a WebSocket, one request of POST /api/chat per message (contract 4).

The route opens the socket and counts it, because each open socket holds a request thread. ws_chat.py checks the key
and answers; history/conversations.py decides what a chat remembers.
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

from qwenproxy.api.auth import SOCKET_ROUTE, request_keys
from qwenproxy.api.errors import error_response
from qwenproxy.api.native.ws_chat import MAX_WAITING, SocketChat
from qwenproxy.errors import NotFound, QueueTimeout, RequestError
from qwenproxy.observe.logs import forget_request
from qwenproxy.wsgi.client import ClientSocket

log = logging.getLogger(__name__)

SOCKETS = "qwenproxy.sockets"
SERVER_SOCKETS = ("gunicorn.socket", "werkzeug.socket")
PING_INTERVAL = 25  # seconds; a client that is silent for a whole interval is gone
TRY_AGAIN_LATER = 1013  # WebSocket close code
FAREWELL = 1.0  # seconds that a client gets to answer the close of its socket


class Sockets:
    """The open WebSockets of one server; limits their number and ends them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.stopping = threading.Event()
        self._places = threading.BoundedSemaphore(most)

    def stop(self) -> None:
        """Close each socket once its running answer has ended. Idempotent."""
        self.stopping.set()

    def talk(self, ws: Server) -> None:
        """Serve a socket until it closes; refuse it if no place is free."""
        # Wait a moment: a client that reconnects at once comes before its old socket has closed.
        if not self._places.acquire(timeout=FAREWELL):
            _refuse(ws, f"{self.most} WebSockets are open already. Try again later.")
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
    """Return the WebSocket route, and a plain HTTP route at its address that explains it."""
    routes = Blueprint("ws", __name__)
    routes.before_request(_prepare_handshake)
    # Flask never closes the answer to a handshake, so do here what the app does then.
    routes.teardown_request(lambda _: forget_request())
    routes.register_error_handler(RemoteProtocolError, _refuse_handshake)
    Sock().route(SOCKET_ROUTE, bp=routes)(sockets.talk)
    routes.add_url_rule(SOCKET_ROUTE, endpoint="explain", view_func=_explain)
    return routes


class FrameSocket:
    """The connection, wrapped for the WebSocket library.

    Lets one thread write at a time, because the library answers pings beside us. Cuts off a client that sends too many
    messages. Does not close the connection, because the server still uses it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._writing = threading.Lock()
        self.backlog: Callable[[], int] = lambda: 0  # number of messages in the queue

    def send(self, data: bytes) -> int:
        """Write all of it."""
        with self._writing:
            self._connection.sendall(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        """Read some bytes. Raises ConnectionAbortedError if too many messages wait."""
        if self.backlog() > MAX_WAITING:
            raise ConnectionAbortedError("the client sends faster than it can be answered")
        return self._connection.recv(size)

    def fileno(self) -> int:
        """Return the file descriptor, for the library's selector."""
        return self._connection.fileno()

    def close(self) -> None:
        """Do nothing: the server closes the connection."""

    def stop_reading(self) -> None:
        """End all reads."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RD)


def _talk(ws: Server, stopping: threading.Event) -> None:
    ws.sock.backlog = lambda: len(ws.input_buffer)
    code = None
    try:
        code = SocketChat(ws, request_keys(), stopping).serve()
    except ConnectionClosed:
        log.info("the client closed its WebSocket")
    finally:
        _hang_up(ws, code)


def _refuse(ws: Server, message: str) -> None:
    with suppress(ConnectionClosed):
        SocketChat(ws).send_error(QueueTimeout(message))
    _hang_up(ws, TRY_AGAIN_LATER)


def _hang_up(ws: Server, code: int | None) -> None:
    """Close the WebSocket and wait for its reader thread, because the server closes the connection right after this."""
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
            'This server has no WebSockets (waitress, used on Windows). Use POST /api/chat with "stream":true.'
        )
    if request.headers.get("Sec-WebSocket-Version") != "13" or not _is_nonce(request.headers.get("Sec-WebSocket-Key")):
        raise RequestError("This is not a WebSocket handshake of version 13. Use a WebSocket client.")
    if isinstance(environ[name], ClientSocket):
        environ[name].read_without_limit()
    environ[name] = FrameSocket(environ[name])


def _is_nonce(key: str | None) -> bool:
    try:
        return len(base64.b64decode(key or "", validate=True)) == 16
    except ValueError:
        return False


def _refuse_handshake(_: Exception) -> Any:
    return error_response(RequestError("This is not a WebSocket handshake. Use a WebSocket client."))


def _explain() -> NoReturn:
    raise RequestError('This address speaks WebSocket (ws://…). Over plain HTTP use POST /api/chat with "stream":true.')
