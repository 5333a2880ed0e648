"""Listen on loopback for one browser or upload, and pass on what it sends through its proxy.

local.py starts one with each Chrome that has a proxy, and ends it with that Chrome; an upload has its own. Knows hosts,
no accounts. Never logs an address that a page asks for: it may be anything.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Callable

from qwenproxy.browser.forwarding.dialing import Dialer, ProxyFailure
from qwenproxy.browser.forwarding.heads import BadHead, Request, parse_request, parse_status, read_head
from qwenproxy.browser.forwarding.streams import PIECE, PlainStream, Stream
from qwenproxy.browser.forwarding.tunnel import Tunnel

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
HEAD_WAIT = 60.0  # seconds for a request, once the connection is there: Chrome opens some in advance
CLOSE_WAIT = 2.0  # seconds for the threads to end; one that dials may take longer, and does no harm
BACKLOG = 128
MOST_FAILURES = 100  # hosts whose last failure we remember

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def lets_pass(_host: str) -> bool:
    """Return False: no host is refused."""
    return False


class Forwarder:
    """A way out through one proxy, open from `start` to `close`. `port` is on loopback."""

    def __init__(self, dialer: Dialer, account_id: str, is_refused: Callable[[str], bool] = lets_pass) -> None:
        """Open nothing yet: `start` does. Hosts that are refused get no connection; `account_id` is for the log."""
        self._dialer = dialer
        self._account_id = account_id
        self._is_refused = is_refused
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._lock = threading.Lock()  # around what follows
        self._open: dict[threading.Thread, Callable[[], None]] = {}  # with what ends each at once
        self._failures: dict[str, ProxyFailure] = {}
        self._is_closed = False
        self._acceptor = threading.Thread(target=self._accept, name="forward", daemon=True)
        self.port = 0

    @classmethod
    def start(cls, dialer: Dialer, account_id: str, is_refused: Callable[[str], bool] = lets_pass) -> Forwarder:
        """Return a forwarder that takes connections. Raises OSError."""
        forwarder = cls(dialer, account_id, is_refused)
        try:
            forwarder._listener.bind((LOOPBACK, 0))
            forwarder._listener.listen(BACKLOG)
            forwarder.port = int(forwarder._listener.getsockname()[1])
            forwarder._acceptor.start()
        except BaseException:
            forwarder._listener.close()
            raise
        return forwarder

    @property
    def url(self) -> str:
        """Its address as a proxy."""
        return f"http://{LOOPBACK}:{self.port}"

    def failure_for(self, host: str) -> ProxyFailure | None:
        """Return why the last connection to a host did not come about; None if it did, or nobody asked."""
        with self._lock:
            return self._failures.get(host.lower().strip("[]"))

    def close(self) -> None:
        """Break all connections and free the port. Bounded in time, idempotent."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
            threads = dict(self._open)
        if was_closed:
            return
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        for end in threads.values():
            end()
        for thread in (self._acceptor, *threads):
            thread.join(CLOSE_WAIT)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if self._is_closed:
                    return
                log.warning("a connection of the browser was not taken: %s", error.strerror or type(error).__name__)
                threading.Event().wait(0.1)  # no descriptors are left; those of ended connections come back
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            near = PlainStream(connection)
            thread = threading.Thread(target=self._serve, args=(connection, near), name="forward-tunnel", daemon=True)
            if self._keep(thread, lambda near=near: near.break_off(at_once=True)):  # type: ignore[misc]
                thread.start()
            else:
                near.close()

    def _keep(self, thread: threading.Thread, end: Callable[[], None]) -> bool:
        with self._lock:
            if not self._is_closed:
                self._open[thread] = end
            return not self._is_closed

    def _serve(self, connection: socket.socket, near: PlainStream) -> None:
        try:
            connection.settimeout(HEAD_WAIT)
            head, early = read_head(near.receive)
            near.unread(early)
            request = parse_request(head)
            connection.settimeout(None)
            self._forward(request, near)
        except BadHead as error:
            _answer(near, 400, str(error))
        except OSError:
            pass  # the browser left
        finally:
            near.close()
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def _forward(self, request: Request, near: PlainStream) -> None:
        if self._is_refused(request.host):
            _answer(near, 403, "not for this browser")
            return
        try:
            far = self._far(request)
        except ProxyFailure as failure:
            self._note(request.host, failure)
            _answer(near, 502, failure.phrase.key)
            return
        self._note(request.host, None)
        try:
            self._carry(request, near, far)
        finally:
            far.close()  # also where the browser left before the tunnel began

    def _carry(self, request: Request, near: PlainStream, far: Stream) -> None:
        tunnel = Tunnel(near, far)
        if not self._keep(threading.current_thread(), lambda: tunnel.break_off(at_once=True)):
            tunnel.break_off(at_once=True)
        if request.is_tunnel:
            near.send(_ESTABLISHED)
        tunnel.run(None if request.is_tunnel else request.body)

    def _far(self, request: Request) -> Stream:
        """Return the connection that the request is for; a plain request has been sent on it. Raises ProxyFailure."""
        dialer = self._dialer
        if request.is_tunnel:
            return dialer.connect(request.host, request.port)
        if not dialer.takes_requests:
            return _having_sent(dialer.connect(request.host, request.port), request.for_server())
        far = _having_sent(dialer.reach(), request.for_proxy(dialer.authorization))
        return _Screened(far, lambda: self._note(request.host, dialer.refused_login()))

    def _note(self, host: str, failure: ProxyFailure | None) -> None:
        with self._lock:
            last = self._failures.pop(host.lower(), None)
            if failure:
                self._failures[host.lower()] = failure
                if len(self._failures) > MOST_FAILURES:
                    del self._failures[next(iter(self._failures))]
        if failure and failure.of_proxy and (last is None or str(last) != str(failure)):
            log.warning("account=%s %s", self._account_id, failure)


class _Screened:
    """A connection to an HTTP proxy. Its demand for a password reaches no browser, which would ask a person."""

    def __init__(self, stream: Stream, note_refusal: Callable[[], None]) -> None:
        self._stream = stream
        self._note_refusal = note_refusal
        self._is_screened = False
        self.unread, self.send, self.end = stream.unread, stream.send, stream.end
        self.break_off, self.close = stream.break_off, stream.close

    def receive(self, most: int = PIECE) -> bytes:
        if self._is_screened:
            return self._stream.receive(most)
        self._is_screened = True
        try:
            head, rest = read_head(self._stream.receive)
            is_refusal = parse_status(head) == 407
        except BadHead as error:
            raise OSError(errno.EPROTO, str(error)) from error
        if is_refusal:
            self._note_refusal()
            return b""
        self._stream.unread(head + rest)
        return self._stream.receive(most)


def _having_sent(far: Stream, data: bytes) -> Stream:
    """Return a connection on which data was sent; one that breaks meanwhile is closed. Raises OSError."""
    try:
        far.send(data)
    except OSError:
        far.close()
        raise
    return far


def _answer(near: PlainStream, status: int, reason: str) -> None:
    text = reason.encode()
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(OSError):
        near.send(head.encode() + text)
        near.end()
