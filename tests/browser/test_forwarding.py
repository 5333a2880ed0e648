"""The forwarder between Chrome and an account's proxy, over real sockets to small proxies in this process."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from proxy_servers import ProxyServer, secure_server

from qwenproxy.browser.forwarding import Forwarder, streams
from qwenproxy.browser.forwarding.dialing import Dialer
from qwenproxy.browser.forwarding.streams import PlainStream
from qwenproxy.browser.forwarding.tunnel import Tunnel
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.texts import Phrase

WAIT = 20.0
KINDS = ("http", "https", "socks5")
Open = Callable[..., Forwarder]


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that says back what it hears, until it hears the end; then it says `bye`."""

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)
            connection.sendall(b"bye")

    with serving(serve) as port:
        yield port


@contextlib.contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:

        def run(connection: socket.socket) -> None:
            with connection:
                serve(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=run, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield int(listener.getsockname()[1])
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ProxyServer]]:
    """One proxy of each kind, with user and password; the certificate of the one with TLS is trusted."""
    trust, certificate = secure_server(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with contextlib.ExitStack() as stack:
        made = {
            kind: ProxyServer(kind, "user", "pass w:rd", trust=trust if kind == "https" else None) for kind in KINDS
        }
        for proxy in made.values():
            stack.enter_context(proxy.running())
        yield made


@pytest.fixture
def forward() -> Iterator[Open]:
    """Return a maker of forwarders to a proxy; the proxy's password can be given another one."""
    made: list[Forwarder] = []

    def make(proxy: ProxyServer, password: str = "", **options: object) -> Forwarder:
        address = ProxyAddress(proxy.kind, "localhost", proxy.port, proxy.user, password or proxy.password)
        refused = options.get("refused", ())
        assert isinstance(refused, tuple)
        wait = float(str(options.get("wait", 5.0)))
        made.append(Forwarder.start(Dialer(address, dial_wait=wait), "a", lambda host: host in refused))
        return made[-1]

    yield make
    for forwarder in made:
        forwarder.close()
        assert not forwarder._acceptor.is_alive()


def tunnel(forwarder: Forwarder, port: int, host: str = "localhost") -> socket.socket:
    """Return a connection to a server on this machine, through the forwarder."""
    connection, status = asked(forwarder, f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    assert status == 200
    return connection


def asked(forwarder: Forwarder, *pieces: bytes) -> tuple[socket.socket, int]:
    """Send pieces to the forwarder and return the connection with the status of its answer."""
    connection = socket.create_connection(("127.0.0.1", forwarder.port), WAIT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in pieces:
        if piece:
            connection.sendall(piece)
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(1)
        assert piece, head
        head += piece
    return connection, int(head.split()[1])


def rest(connection: socket.socket) -> bytes:
    data = b""
    with connection:
        while piece := connection.recv(65536):
            data += piece
    return data


@pytest.mark.parametrize("kind", KINDS)
def test_a_tunnel_carries_both_ways_and_both_ends(
    proxies: dict[str, ProxyServer], forward: Open, echo: int, kind: str
) -> None:
    connection = tunnel(forward(proxies[kind]), echo)
    connection.sendall(b"hello")
    assert connection.recv(5) == b"hello"
    connection.shutdown(socket.SHUT_WR)  # the server still speaks after our end
    assert rest(connection) == b"bye"
    assert proxies[kind].asked == [("localhost", echo)]  # the name, which the proxy looks up


@pytest.mark.parametrize("kind", KINDS)
def test_the_servers_end_comes_first(proxies: dict[str, ProxyServer], forward: Open, kind: str) -> None:
    heard: list[bytes] = []
    done = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"all I say")
        connection.shutdown(socket.SHUT_WR)
        heard.append(rest(connection))
        done.set()

    with serving(serve) as port:
        connection = tunnel(forward(proxies[kind]), port)
        assert connection.recv(100, socket.MSG_WAITALL) == b"all I say"
        connection.sendall(b"and I go on")
        connection.close()
        assert done.wait(WAIT)
        assert heard == [b"and I go on"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", range(1, 40))
def test_a_proxy_that_answers_in_pieces(
    proxies: dict[str, ProxyServer], forward: Open, echo: int, kind: str, split: int
) -> None:
    proxies[kind].split = split
    connection = tunnel(forward(proxies[kind]), echo)
    connection.sendall(b"x")
    connection.shutdown(socket.SHUT_WR)
    assert rest(connection) == b"xbye"


def test_a_request_that_comes_in_pieces(proxies: dict[str, ProxyServer], forward: Open, echo: int) -> None:
    forwarder = forward(proxies["socks5"])
    whole = f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\nHost: x\r\n\r\nearly".encode()
    for cut in range(1, len(whole)):
        connection, status = asked(forwarder, whole[:cut], whole[cut:])
        connection.shutdown(socket.SHUT_WR)
        assert (status, rest(connection)) == (200, b"earlybye")


@pytest.mark.parametrize("kind", KINDS)
def test_plain_requests_go_as_the_proxy_needs_them(proxies: dict[str, ProxyServer], forward: Open, kind: str) -> None:
    heads: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        data = b""
        while not data.endswith(b"body"):
            data += connection.recv(65536)
        heads.append(data)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nanswer")

    with serving(serve) as port:
        request = (
            f"POST http://localhost:{port}/a/b?c=d HTTP/1.1\r\nHost: localhost:{port}\r\n"
            "Proxy-Connection: keep-alive\r\nContent-Length: 4\r\nX-Own: ü\r\n\r\nbo"
        ).encode()
        connection, status = asked(forward(proxies[kind]), request, b"dy")
        assert (status, rest(connection)) == (200, b"answer")
    head = heads[0].decode()
    assert head.startswith("POST /a/b?c=d HTTP/1.1\r\n")
    assert ("X-Own: ü" in head, "keep-alive" in head, "Connection: close" in head) == (True, False, True)


@pytest.mark.parametrize("kind", ["http", "https"])
def test_a_demand_for_a_password_reaches_no_browser(proxies: dict[str, ProxyServer], forward: Open, kind: str) -> None:
    forwarder = forward(proxies[kind], "wrong")
    with socket.create_connection(("127.0.0.1", forwarder.port), WAIT) as connection:
        connection.sendall(b"GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n")
        assert rest(connection) == b""
    assert failure(forwarder, "site.test").key == "proxy_refuses_login"


def test_a_second_request_on_a_connection_goes_nowhere(proxies: dict[str, ProxyServer], forward: Open) -> None:
    heard: list[bytes] = []
    done = threading.Event()

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            heard.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            heard.append(connection.recv(65536))
        done.set()

    with serving(serve) as port:
        one = f"GET http://localhost:{port}/ HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
        connection, _ = asked(forward(proxies["socks5"]), one)
        assert connection.recv(2, socket.MSG_WAITALL) == b"ok"
        connection.sendall(one)
        with contextlib.suppress(ConnectionError):
            assert rest(connection) == b""
        assert done.wait(WAIT)
        assert len(b"".join(heard).split(b"GET ")) == 2


FAILURES = {
    "wrong-password-http": ("http", "wrong", b"", "proxy_refuses_login"),
    "wrong-password-https": ("https", "wrong", b"", "proxy_refuses_login"),
    "wrong-password-socks5": ("socks5", "wrong", b"", "proxy_refuses_login"),
    "forbidden-http": ("http", "", b"HTTP/1.1 403 Forbidden\r\n\r\n", "proxy_no_way"),
    "unreachable-https": ("https", "", b"HTTP/1.0 503 Down\r\n\r\n", "proxy_no_way"),
    "unreachable-socks5": ("socks5", "", b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00", "proxy_no_way"),
    "no-proxy-http": ("http", "", b"SSH-2.0-OpenSSH\r\n\r\n", "proxy_strange"),
    "no-proxy-socks5": ("socks5", "", b"HTTP/1.1 400 Bad\r\n\r\n", "proxy_strange"),
    "silent-end-http": ("http", "", b"HTTP/1.1 200", "proxy_strange"),
}


@pytest.mark.parametrize("case", FAILURES.values(), ids=FAILURES)
def test_a_failure_says_what_the_proxy_does(
    proxies: dict[str, ProxyServer], forward: Open, caplog: pytest.LogCaptureFixture, case: tuple[str, str, bytes, str]
) -> None:
    kind, password, refusal, key = case
    proxy = proxies[kind]
    proxy.refusal = refusal
    forwarder = forward(proxy, password)
    connection, status = asked(forwarder, b"CONNECT site.test:443 HTTP/1.1\r\n\r\n")
    connection.close()
    assert status == 502
    phrase = failure(forwarder, "site.test")
    assert phrase.key == key
    assert f"{kind}://localhost:{proxy.port}" in str(phrase)
    for text in (str(phrase), phrase.say("ru"), caplog.text):
        assert "pass" not in text.replace("password", "") and "user:" not in text and "wrong" not in text


def failure(forwarder: Forwarder, host: str) -> Phrase:
    found = forwarder.failure_for(host)
    assert found is not None
    return found.phrase


def test_a_proxy_that_is_down(proxies: dict[str, ProxyServer], forward: Open) -> None:
    gone = ProxyServer("http", "user", "secret")
    with gone.running():
        pass
    forwarder = forward(gone)
    connection, status = asked(forwarder, b"CONNECT site.test:443 HTTP/1.1\r\n\r\n")
    connection.close()
    assert (status, failure(forwarder, "SITE.test").key) == (502, "proxy_unreachable")


def test_a_certificate_that_nobody_vouches_for(
    proxies: dict[str, ProxyServer], forward: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    forwarder = forward(proxies["https"])
    connection, status = asked(forwarder, b"CONNECT site.test:443 HTTP/1.1\r\n\r\n")
    connection.close()
    phrase = failure(forwarder, "site.test")
    assert (status, phrase.key) == (502, "proxy_untrusted")
    assert "SSL_CERT_FILE" in str(phrase) and "signed certificate" in str(phrase)
    assert proxies["https"].heads == []  # the password was not sent


ASKED_FOR_TLS = {
    "answers-in-plain": (b"HTTP/1.1 400 Bad Request\r\n\r\n", True, "proxy_no_tls"),
    "ends": (b"", True, "proxy_no_tls"),
    "breaks-off": (b"\x16\x03\x03\x00\x7a", True, "proxy_no_tls"),
    "is-silent": (b"", False, "proxy_silent_tls"),
}


@pytest.mark.parametrize(("said", "ends", "key"), ASKED_FOR_TLS.values(), ids=ASKED_FOR_TLS)
def test_a_proxy_that_is_asked_for_tls_and_has_none_says_what_to_write(
    forward: Open, said: bytes, ends: bool, key: str
) -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))
        connection.sendall(said)
        while not ends and connection.recv(65536):
            pass

    with serving(serve) as port:
        forwarder = forward(ProxyServer("https", "user", "pass w:rd", port=port), wait=WAIT if ends else 0.3)
        connection, status = asked(forwarder, b"CONNECT site.test:443 HTTP/1.1\r\n\r\n")
        connection.close()
    phrase = failure(forwarder, "site.test")
    assert (status, phrase.key) == (502, key)
    for lang in ("en", "ru"):
        assert f"https://localhost:{port}" in phrase.say(lang) and "http://." in phrase.say(lang)
    assert heard and b"CONNECT" not in heard[0], "the password waits for TLS"


def test_a_proxy_with_tls_behind_a_plain_address_is_strange(proxies: dict[str, ProxyServer], forward: Open) -> None:
    forwarder = forward(ProxyServer("http", "user", "pass w:rd", port=proxies["https"].port))
    connection, status = asked(forwarder, b"CONNECT site.test:443 HTTP/1.1\r\n\r\n")
    connection.close()
    phrase = failure(forwarder, "site.test")
    assert (status, phrase.key) == (502, "proxy_strange")
    assert "Check scheme" in str(phrase)


def test_a_failure_is_forgotten_with_the_next_success(
    proxies: dict[str, ProxyServer], forward: Open, echo: int
) -> None:
    proxy = proxies["http"]
    forwarder = forward(proxy)
    proxy.refusal = b"HTTP/1.1 502 Bad\r\n\r\n"
    connection, _ = asked(forwarder, f"CONNECT localhost:{echo} HTTP/1.1\r\n\r\n".encode())
    connection.close()
    assert forwarder.failure_for("localhost")
    proxy.refusal = b""
    tunnel(forwarder, echo).close()
    assert forwarder.failure_for("localhost") is None


class Leaving:
    """A connection that breaks with the first byte sent to it."""

    def __init__(self, request: bytes = b"") -> None:
        self.request = request
        self.closed = 0

    def settimeout(self, seconds: float | None) -> None:
        pass

    def receive(self, most: int = 0) -> bytes:
        return self.request

    def unread(self, data: bytes) -> None:
        pass

    def send(self, data: bytes) -> None:
        raise ConnectionResetError

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    "head", [b"CONNECT x:443 HTTP/1.1\r\n\r\n", b"GET http://x/ HTTP/1.1\r\n\r\n"], ids=["tunnel", "request"]
)
def test_a_browser_or_proxy_that_leaves_at_once_leaves_no_connection(
    proxies: dict[str, ProxyServer], forward: Open, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    near, far = Leaving(head), Leaving()
    monkeypatch.setattr(Dialer, "connect", lambda *_: far)
    monkeypatch.setattr(Dialer, "reach", lambda _: far)
    forward(proxies["http"])._serve(cast(socket.socket, near), cast(PlainStream, near))
    assert near.closed and far.closed


def test_refused_hosts_get_no_connection(proxies: dict[str, ProxyServer], forward: Open) -> None:
    forwarder = forward(proxies["http"], refused=("update.test",))
    connection, status = asked(forwarder, b"CONNECT update.test:443 HTTP/1.1\r\n\r\n")
    connection.close()
    assert (status, proxies["http"].heads) == (403, [])


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x HTTP/1.1\r\n\r\n",
        b"CONNECT :443 HTTP/1.1\r\n\r\n",
        b"CONNECT x:999999 HTTP/1.1\r\n\r\n",
        b"GET https://x/ HTTP/1.1\r\n\r\n",
        b"hello\r\n\r\n",
        b"x" * 70_000 + b"\r\n\r\n",
        b"POST http://x/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
    ids=["direct", "no-port", "no-host", "port", "https", "words", "long", "length"],
)
def test_what_is_no_request_to_a_proxy(proxies: dict[str, ProxyServer], forward: Open, head: bytes) -> None:
    connection, status = asked(forward(proxies["http"]), head)
    connection.close()
    assert (status, proxies["http"].heads) == (400, [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_breaks_is_no_regular_end(proxies: dict[str, ProxyServer], forward: Open, kind: str) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with serving(serve) as port:
        connection = tunnel(forward(proxies[kind]), port)
        connection.sendall(b"x")
        with connection, pytest.raises(ConnectionError):
            connection.recv(1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_browser_that_dies_ends_the_far_connection(proxies: dict[str, ProxyServer], forward: Open, kind: str) -> None:
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while connection.recv(100):
                pass
        ended.set()

    with serving(serve) as port:
        connection = tunnel(forward(proxies[kind]), port)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        assert ended.wait(WAIT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_slow_reader_holds_the_sender_up(proxies: dict[str, ProxyServer], forward: Open, kind: str) -> None:
    sent = 0
    stuck = threading.Event()

    def serve(connection: socket.socket) -> None:
        nonlocal sent
        connection.settimeout(1.0)
        with contextlib.suppress(OSError):
            while sent < 1 << 28:
                sent += connection.send(b"x" * 65536)
        stuck.set()

    with serving(serve) as port:
        forwarder = forward(proxies[kind])
        connection = tunnel(forwarder, port)
        assert stuck.wait(WAIT * 2)
        assert sent < 1 << 26  # what buffers hold, not what memory does
        forwarder.close()  # also ends a connection that is held up
        assert not forwarder._open
        connection.close()


def test_closing_ends_every_connection(proxies: dict[str, ProxyServer], forward: Open, echo: int) -> None:
    forwarder = forward(proxies["socks5"])
    connections = [tunnel(forwarder, echo) for _ in range(5)]
    forwarder.close()
    forwarder.close()
    for connection in connections:
        with connection, contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", forwarder.port), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_64_tunnels_at_once(proxies: dict[str, ProxyServer], forward: Open, echo: int, kind: str) -> None:
    forwarder = forward(proxies[kind])
    results: list[bool] = []

    def use(number: int) -> None:
        data = bytes([number]) * 200_000
        connection = tunnel(forwarder, echo)

        def send() -> None:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        results.append(rest_of(connection) == data + b"bye")
        sender.join()
        connection.close()

    users = [threading.Thread(target=use, args=(number,)) for number in range(64)]
    for user in users:
        user.start()
    for user in users:
        user.join(WAIT * 2)
    assert results == [True] * 64


def rest_of(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def test_a_far_side_that_never_ends_is_given_up() -> None:
    near, browser = socket.socketpair()
    far, proxy = socket.socketpair()
    browser.shutdown(socket.SHUT_WR)
    Tunnel(streams.PlainStream(near), streams.PlainStream(far), linger=0.05).run()
    assert proxy.recv(1) == b""
    browser.close()
    proxy.close()
