"""Two kinds of connection with one face: a TCP socket, and TLS over one.

One thread may read while another one writes; either may break the connection off. Knows no proxy.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from typing import Protocol

Wrap = Callable[[ssl.MemoryBIO, ssl.MemoryBIO], ssl.SSLObject]

PIECE = 1 << 16  # bytes read at once
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Stream(Protocol):
    """A connection. All methods but `break_off` and `close` raise OSError."""

    def receive(self, most: int = PIECE) -> bytes:
        """Return what has come, at least a byte, at most `most`; b"" at the end."""

    def unread(self, data: bytes) -> None:
        """Give back what was read, so that it comes first."""

    def send(self, data: bytes) -> None:
        """Send everything; waits for a slow reader."""

    def end(self) -> None:
        """Say that nothing more will be sent; what the other side sends still comes."""

    def break_off(self, *, at_once: bool = False) -> None:
        """Wake a reader, and a writer too with `at_once`; the other side learns that this is no regular end."""

    def close(self) -> None:
        """Free the connection, once nobody uses it."""


class PlainStream:
    """A TCP connection."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a connection."""
        self._socket = connection
        self._early = b""

    def receive(self, most: int = PIECE) -> bytes:
        if self._early:
            early, self._early = self._early[:most], self._early[most:]
            return early
        return self._socket.recv(most)

    def unread(self, data: bytes) -> None:
        self._early = data + self._early

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def end(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def break_off(self, *, at_once: bool = False) -> None:
        with contextlib.suppress(OSError):
            # A reset, because an end would pass a cut answer off as complete.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR if at_once else socket.SHUT_RD)

    def close(self) -> None:
        self._socket.close()


class SecureStream:
    """TLS over a connection. OpenSSL's object is for one thread at a time, so it only sees memory, under a lock."""

    def __init__(self, connection: socket.socket, wrap: Wrap) -> None:
        """`wrap` makes OpenSSL's object. Nothing is sent before `shake_hands`."""
        self._socket = PlainStream(connection)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = wrap(self._incoming, self._outgoing)
        self._state = threading.Lock()  # around `_tls` and what it reads and writes
        self._sending = threading.Lock()  # records have to leave in their order
        self._early = b""  # the text that comes first

    def shake_hands(self) -> None:
        """Agree on keys and check the other side's certificate. Raises ssl.SSLError, OSError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._flush()  # the alert that says why
                raise
            else:
                self._flush()
                return

    def receive(self, most: int = PIECE) -> bytes:
        while True:
            with self._state:
                if self._early:
                    early, self._early = self._early[:most], self._early[most:]
                    return early
                try:
                    return self._tls.read(most)
                except ssl.SSLWantReadError:
                    pass
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return b""
            if self._outgoing.pending:
                self._flush()
            self._fill()

    def unread(self, data: bytes) -> None:
        with self._state:
            self._early = data + self._early

    def send(self, data: bytes) -> None:
        with self._sending:
            with self._state:
                self._tls.write(data)
                sealed = self._outgoing.read()
            self._socket.send(sealed)

    def end(self) -> None:
        with self._state:
            with contextlib.suppress(ssl.SSLError):
                while data := self._tls.read(PIECE):  # OpenSSL drops what it has not read before its end
                    self._early += data
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
        self._flush()

    def break_off(self, *, at_once: bool = False) -> None:
        self._socket.break_off(at_once=at_once)

    def close(self) -> None:
        self._socket.close()

    def _fill(self) -> None:
        data = self._socket.receive()
        with self._state:
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _flush(self) -> None:
        with self._sending:
            with self._state:
                sealed = self._outgoing.read()
            if sealed:
                self._socket.send(sealed)
