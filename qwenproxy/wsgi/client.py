"""The client's end of the connection: whether it hung up, and how long it may keep a request thread waiting.

Below the routes: the server wraps each connection it accepts, the routes ask whether the client still listens. Knows
sockets, no HTTP. Needs a server that exposes the connection: gunicorn gives its socket, waitress its own check.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

HEAD_WAIT = 10.0  # seconds from the first byte of a request to the end of its headers
BODY_WAIT = 20.0  # seconds that a body may be behind the slowest pace
SLOWEST_BODY = 32 * 1024  # bytes a second
CROWDED_WAIT = 0.2  # seconds that a client may pause within its request while too many others are slow
# Seconds after which we give up a client that has megabytes to read and takes none: it holds an account's slot.
SEND_WAIT = 30.0
LINGER = 5.0  # seconds that a client gets to take the last answer before we close the connection
LINGER_SILENCE = 0.5  # seconds without input that end this earlier


def client_gone_check(environ: dict[str, Any]) -> Callable[[], bool]:
    """Return a cheap check that tells whether the client of this request closed its connection."""
    if check := environ.get("waitress.client_disconnected"):
        return lambda: bool(check())
    connection = environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        return lambda: _is_closed(connection)
    return lambda: False


class ClientSocket(socket.socket):
    """A connection whose client cannot hold a thread for ever.

    The time limit is for the request as a whole, not for each byte, so that a client gains nothing by dripping. A
    slower request ends with ConnectionResetError, as if the client had left.
    """

    def __init__(
        self,
        accepted: socket.socket,
        places: threading.Semaphore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take over an accepted connection; do not use `accepted` afterwards.

        `places` limits how many clients may be slow with their requests at once: a thread waits for each of them.
        """
        super().__init__(fileno=accepted.detach())
        self._places = places
        self._clock = clock
        self._deadline: float | None = None
        self._pace: float | None = None  # bytes a second
        self._finished = False
        send_wait = struct.pack("ll", *divmod(int(SEND_WAIT * 1e6), 10**6))
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, send_wait)

    def await_head(self) -> None:
        """Give the client HEAD_WAIT to send its headers."""
        self._deadline, self._pace = self._clock() + HEAD_WAIT, None

    def await_body(self) -> None:
        """Give the client time as long as it sends at least SLOWEST_BODY."""
        self._deadline, self._pace = self._clock() + BODY_WAIT, SLOWEST_BODY

    def read_without_limit(self) -> None:
        """Drop the time limit: the WebSocket that reads from now on has its own."""
        self._deadline = None

    def has_input(self) -> bool:
        """Tell whether a read would return at once, with data or because the client left."""
        poll = select.poll()  # unlike a read it never waits, regardless of the socket's timeout
        poll.register(self, select.POLLIN)
        return bool(poll.poll(0))

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Read as any socket does, within the request's time limit. Raises ConnectionResetError after it."""
        if self._finished:
            return b""
        if self._deadline is None or flags:
            return super().recv(size, flags)
        data = self._recv_within(size, self._deadline - self._clock())
        if self._pace is not None:
            extended_deadline = self._deadline + len(data) / self._pace
            self._deadline = min(extended_deadline, self._clock() + BODY_WAIT)
        return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Write as any socket does. Raises ConnectionResetError when the client takes nothing for SEND_WAIT."""
        try:
            super().sendall(data, flags)
        except BlockingIOError:
            raise ConnectionResetError(errno.ECONNRESET, "the client does not read its answer") from None

    def linger(self) -> None:
        """Let the client take the last answer: the kernel drops it if we close with unread input.

        After this, reads return the end of the stream even if the client still sends.
        """
        deadline = self._clock() + LINGER
        try:
            self.shutdown(socket.SHUT_WR)
            self.settimeout(LINGER_SILENCE)
            while super().recv(65536) and self._clock() < deadline:
                pass
        except OSError:
            pass
        self._finished = True

    def _recv_within(self, size: int, seconds: float) -> bytes:
        if seconds > 0:
            if self.has_input():
                return super().recv(size)
            has_place = self._places.acquire(blocking=False)
            usual_timeout = self.gettimeout()
            patience = seconds if has_place else min(seconds, CROWDED_WAIT)
            self.settimeout(patience if usual_timeout is None else min(patience, usual_timeout))
            try:
                return super().recv(size)
            except TimeoutError:
                pass
            finally:
                self.settimeout(usual_timeout)
                if has_place:
                    self._places.release()
        raise ConnectionResetError(errno.ECONNRESET, "the client takes too long over its request")


def _is_closed(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except (OSError, ValueError):
        return True
