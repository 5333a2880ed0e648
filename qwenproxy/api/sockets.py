"""WebSockets of any wire API: how one is opened and counted, read and closed.

Each open socket holds a request thread, so their number is limited. A wire API makes a Blueprint with `socket_routes`
and says with a Talk what is said there; this module knows no message.
"""

from __future__ import annotations

import base64
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, cast

from flask import Blueprint, Flask, current_app, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from qwenproxy.api.auth import request_keys
from qwenproxy.api.errors import error_response
from qwenproxy.errors import ProxyError, QueueTimeout, RequestError
from qwenproxy.observe.logs import forget_request
from qwenproxy.wsgi.client import ClientSocket

log = logging.getLogger(__name__)

SOCKETS = "qwenproxy.sockets"
SERVER_SOCKETS = ("gunicorn.socket", "werkzeug.socket")
PING_INTERVAL = 25  # seconds; a client that is silent for a whole interval is gone
FAREWELL = 1.0  # seconds that a client gets to answer the close of its socket
LOOK_AGAIN = 1.0  # seconds between two checks whether the server stops
MAX_WAITING = 8  # messages that may wait behind the current one
NORMAL = 1000  # WebSocket close codes
GOING_AWAY = 1001
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011
TRY_AGAIN_LATER = 1013

Text = str | bytes


class Talk(Protocol):
    """What is said over one socket, in the form of one wire API."""

    def serve(self) -> int:
        """Answer until we end the connection; return the WebSocket close code. Raises ConnectionClosed."""

    def send_error(self, error: ProxyError) -> None:
        """Tell the client of an error. Raises ConnectionClosed."""


class Messages:
    """The messages of one socket, in order. Not safe among threads."""

    def __init__(self, ws: Server, keys: tuple[str, ...] = (), stopping: threading.Event | None = None) -> None:
        """`keys` are those of the handshake; the server sets `stopping` to get no more messages answered."""
        self.keys = keys
        self._ws = ws
        self._stopping = stopping or threading.Event()
        self._waiting: deque[Text] = deque()

    def receive(self, seconds: float) -> Text | None:
        """Wait for a message for so long; return None if none came. Raises ConnectionClosed."""
        return self._waiting.popleft() if self._waiting else cast("Text | None", self._ws.receive(timeout=seconds))

    def next(self, is_over: Callable[[], bool] = lambda: False) -> Text | None:
        """Wait for a message and return it; None if the server stops, or `is_over`. Raises ConnectionClosed."""
        while not self._stopping.is_set() and not is_over():
            message = self.receive(LOOK_AGAIN)
            if message is not None:
                return message
        return None

    def look_ahead(self, obeys: Callable[[Text], bool] = lambda _: False) -> bool:
        """Read the client's new messages; return whether it is still there.

        `obeys` tells whether a message is an order that it has obeyed; any other waits for its turn.
        """
        while self._ws.connected and len(self._waiting) < MAX_WAITING:
            try:
                text = self._ws.receive(timeout=0)
            except ConnectionClosed:
                return False
            if text is None:
                break
            if not obeys(text):
                self._waiting.append(text)
        return bool(self._ws.connected)

    @property
    def is_stopping(self) -> bool:
        """Whether the server ends."""
        return self._stopping.is_set()

    def send(self, event: bytes) -> None:
        """Send a text message. Raises ConnectionClosed."""
        self._send(event.decode())

    def send_bytes(self, data: bytes) -> None:
        """Send a message that is no text. Raises ConnectionClosed."""
        self._send(data)

    def _send(self, message: Text) -> None:
        try:
            self._ws.send(message)
        except (OSError, LocalProtocolError):
            raise ConnectionClosed() from None


class Sockets:
    """The open WebSockets of one server; limits their number and ends them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.stopping = threading.Event()
        self._places = threading.BoundedSemaphore(most)

    def stop(self) -> None:
        """Close each socket once its running answer has ended. Idempotent."""
        self.stopping.set()

    def talk(self, ws: Server, make_talk: Callable[[Messages], Talk]) -> None:
        """Serve a socket until it closes; refuse it if no place is free."""
        messages = Messages(ws, request_keys(), self.stopping)
        # Wait a moment: a client that reconnects at once comes before its old socket has closed.
        if not self._places.acquire(timeout=FAREWELL):
            with suppress(ConnectionClosed):
                make_talk(messages).send_error(
                    QueueTimeout(f"{self.most} WebSockets are open already. Try again later.")
                )
            _hang_up(ws, TRY_AGAIN_LATER)
            return
        try:
            _serve(ws, make_talk(messages))
        finally:
            self._places.release()


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


def register_sockets(app: Flask, max_sockets: int) -> None:
    """Let the app have WebSockets; `max_sockets` may be open at once."""
    app.config["SOCK_SERVER_OPTIONS"] = {
        "ping_interval": PING_INTERVAL,
        "max_message_size": app.config["MAX_CONTENT_LENGTH"],
    }
    app.extensions[SOCKETS] = Sockets(max_sockets)


def socket_routes(
    name: str, addresses: Sequence[str], make_talk: Callable[[Messages], Talk], unavailable: Callable[[], ProxyError]
) -> Blueprint:
    """Return WebSocket routes; `unavailable` makes the error where the server has no WebSockets."""
    routes = Blueprint(name, __name__)

    def prepare() -> None:
        if request.url_rule is not None and request.url_rule.websocket:
            _prepare_handshake(unavailable)

    def talk(ws: Server) -> None:
        sockets: Sockets = current_app.extensions[SOCKETS]
        sockets.talk(ws, make_talk)

    routes.before_request(prepare)
    # Flask never closes the answer to a handshake, so do here what the app does then.
    routes.teardown_request(lambda _: forget_request())
    routes.register_error_handler(RemoteProtocolError, _refuse_handshake)
    for number, address in enumerate(addresses):
        Sock().route(address, bp=routes, endpoint=f"talk{number}")(talk)
    return routes


def _serve(ws: Server, talk: Talk) -> None:
    ws.sock.backlog = lambda: len(ws.input_buffer)
    code = None
    try:
        code = talk.serve()
    except ConnectionClosed:
        log.info("the client closed its WebSocket")
    finally:
        _hang_up(ws, code)


def _hang_up(ws: Server, code: int | None) -> None:
    """Close the WebSocket and wait for its reader thread, because the server closes the connection right after this."""
    with suppress(ConnectionClosed, LocalProtocolError, OSError):
        ws.close(code)
    ws.thread.join(FAREWELL)
    ws.sock.stop_reading()
    ws.thread.join(FAREWELL)


def _prepare_handshake(unavailable: Callable[[], ProxyError]) -> None:
    environ: dict[str, Any] = request.environ
    name = next((name for name in SERVER_SOCKETS if name in environ), None)
    if name is None:
        raise unavailable()
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
