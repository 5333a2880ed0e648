"""The client's end of the connection: has it hung up, and how long may it keep a request thread waiting.

Below the routes: the server wraps each connection it accepts, the routes ask whether somebody still listens. Knows
sockets and nothing of HTTP. Works where the server exposes the connection: gunicorn gives its socket, waitress a
check of its own.
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

HEAD_WAIT = 10.0  # seconds from the first byte of a request until its headers must be there
BODY_WAIT = 20.0  # seconds that a body may lag behind the slowest pace
SLOWEST_BODY = 32 * 1024  # bytes a second
CROWDED_WAIT = 0.2  # seconds a client gets to go on with its request where too many others are slow with theirs
# Seconds in which a client with megabytes unread takes nothing, until it is given up; it holds an account's slot.
SEND_WAIT = 30.0
LINGER = 5.0  # seconds a client gets to take the last answer before the connection is closed
LINGER_SILENCE = 0.5


def client_gone_check(environ: dict[str, Any]) -> Callable[[], bool]:
    """Return a cheap check for this request: has the client closed its connection?"""
    if check := environ.get("waitress.client_disconnected"):
        return lambda: bool(check())
    connection = environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        return lambda: _is_closed(connection)
    return lambda: False


class ClientSocket(socket.socket):
    """A connection whose client cannot hold a thread for ever.

    A request is given a time as a whole, not for each byte, so that dripping gains a client nothing. What takes longer
    ends with ConnectionResetError, as if the client had left.
    """

    def __init__(
        self,
        accepted: socket.socket,
        places: threading.Semaphore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take over an accepted connection; `accepted` is of no use afterwards.

        `places` says how many clients may be slow with their requests at once, each with a thread that waits for it.
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
        """Give the client HEAD_WAIT to say what it wants."""
        self._deadline, self._pace = self._clock() + HEAD_WAIT, None

    def await_body(self) -> None:
        """Give the client time for as long as it keeps SLOWEST_BODY up."""
        self._deadline, self._pace = self._clock() + BODY_WAIT, SLOWEST_BODY

    def await_anything(self) -> None:
        """Read without a bound from now on: whoever reads has rules of its own."""
        self._deadline = None

    def has_input(self) -> bool:
        """Tell whether a read would not have to wait, be it that the client left."""
        poll = select.poll()  # unlike a read it never waits, whatever timeout the socket has
        poll.register(self, select.POLLIN)
        return bool(poll.poll(0))

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Read as any socket does, within the request's time. Raises ConnectionResetError when that is over."""
        if self._finished:
            return b""
        if self._deadline is None or flags:
            return super().recv(size, flags)
        data = self._recv_within(size, self._deadline - self._clock())
        if self._pace is not None:
            earned = self._deadline + len(data) / self._pace
            self._deadline = min(earned, self._clock() + BODY_WAIT)
        return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Write as any socket does. Raises ConnectionResetError when the client takes nothing for SEND_WAIT."""
        try:
            super().sendall(data, flags)
        except BlockingIOError:
            raise ConnectionResetError(errno.ECONNRESET, "the client does not read its answer") from None

    def linger(self) -> None:
        """Let the client take what was sent: closing with unread input would make the kernel throw that away.

        After this the connection reads as ended, however much the client goes on sending.
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
            before = self.gettimeout()
            patience = seconds if has_place else min(seconds, CROWDED_WAIT)
            self.settimeout(patience if before is None else min(patience, before))
            try:
                return super().recv(size)
            except TimeoutError:
                pass
            finally:
                self.settimeout(before)
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
