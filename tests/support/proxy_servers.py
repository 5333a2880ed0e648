"""Small HTTP and SOCKS5 proxies in this process, with user and password, that note where they were asked to go."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from qwenproxy.browser.forwarding.streams import PlainStream, SecureStream, Stream
from qwenproxy.browser.forwarding.tunnel import Tunnel
from qwenproxy.sandbox.tls import new_identity

WAIT = 20.0


@dataclass
class ProxyServer:
    """A proxy. `asked` are hosts and ports; `ports` its own ports towards them; `heads` what HTTP clients sent.

    It sends the first `split` bytes of what it says itself in a packet of their own. `refusal` is what it says instead
    of connecting, and `redirect` where it connects instead.
    """

    kind: str  # http, https or socks5
    user: str = ""
    password: str = ""
    split: int = 0
    refusal: bytes = b""
    redirect: tuple[str, int] | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)
    heads: list[bytes] = field(default_factory=list)
    refused: int = 0
    port: int = 0
    trust: ssl.SSLContext | None = None
    host: str = "127.0.0.1"  # where it listens
    _dialled: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address with user and password."""
        login = f"{self.user}:{self.password}@" if self.user else ""
        return f"{self.kind}://{login}localhost:{self.port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[ProxyServer]:
        """Serve until the end of the block."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.create_server((self.host, 0), family=family, backlog=128) as listener:
            self.port = int(listener.getsockname()[1])
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            yield self
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
        for far in self._dialled:
            far.close()  # one that was dialled for a client that has left has no tunnel that would close it

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        near: Stream = PlainStream(connection)
        with contextlib.suppress(OSError):
            if trust := self.trust:
                secure = SecureStream(connection, lambda into, out: trust.wrap_bio(into, out, server_side=True))
                secure.shake_hands()
                near = secure
            far = self._socks(near) if self.kind == "socks5" else self._http(near)
            if far is None:
                near.end()
            else:
                Tunnel(near, PlainStream(far)).run()
        near.close()

    def _dial(self, host: str, port: int) -> socket.socket:
        self.asked.append((host, port))
        far = socket.create_connection(self.redirect or (host, port), WAIT)
        self._dialled.append(far)
        far.settimeout(None)
        self.ports.add(far.getsockname()[1])
        return far

    def _say(self, near: Stream, data: bytes) -> None:
        for piece in (data[: self.split], data[self.split :]):
            if piece:
                near.send(piece)

    def _http(self, near: Stream) -> socket.socket | None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = near.receive(65536)
            if not piece:
                return None
            head += piece
        head, _, rest = head.partition(b"\r\n\r\n")
        self.heads.append(head)
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self.user and f"Proxy-Authorization: Basic {login}" not in head.decode("latin-1"):
            self.refused += 1
            self._say(near, b'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n')
            return None
        if self.refusal:
            self._say(near, self.refusal)
            return None
        method, target = head.decode("latin-1").split(" ")[:2]
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            far = self._dial(host.strip("[]"), int(port))
            self._say(near, b"HTTP/1.1 200 OK\r\nVia: test\r\n\r\n")
            far.sendall(rest)
            return far
        place, _, path = target.removeprefix("http://").partition("/")
        host, _, port = place.partition(":")
        far = self._dial(host, int(port or 80))
        lines = head.replace(target.encode(), b"/" + path.encode(), 1).split(b"\r\n")
        kept = [line for line in lines if not line.startswith(b"Proxy-")]
        far.sendall(b"\r\n".join([*kept, b"", rest]))
        return far

    def _socks(self, near: Stream) -> socket.socket | None:
        _, count = _exactly(near, 2)
        methods = _exactly(near, count)
        if self.user:
            if 2 not in methods:
                self._say(near, b"\x05\xff")
                return None
            self._say(near, b"\x05\x02")
            user = _exactly(near, _exactly(near, 2)[1]).decode()
            password = _exactly(near, _exactly(near, 1)[0]).decode()
            if (user, password) != (self.user, self.password):
                self.refused += 1
                self._say(near, b"\x01\x01")
                return None
            self._say(near, b"\x01\x00")
        else:
            self._say(near, b"\x05\x00")
        form = _exactly(near, 4)[3]
        if form == 3:
            host = _exactly(near, _exactly(near, 1)[0]).decode()
        else:
            family, size = (socket.AF_INET, 4) if form == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, _exactly(near, size))
        port = int.from_bytes(_exactly(near, 2), "big")
        if self.refusal:
            self._say(near, self.refusal)
            return None
        far = self._dial(host, port)
        self._say(near, b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        return far


def secure_server(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return the TLS settings of a server named localhost, and the certificate that a client has to trust."""
    certificate, key = new_identity().write_to(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def _exactly(near: Stream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = near.receive(count - len(data))
        if not piece:
            raise ConnectionError("the client left")
        data += piece
    return data
