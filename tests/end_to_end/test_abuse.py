"""Clients that mean no good, over real connections: the server goes on serving, and tells and leaves no secret.

Most of it without an account: what never becomes an answer needs no browser.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from asking import ask, asked_in_chats
from proxy_process import Proxy
from raw_http import CLOSE, HOST, JSON_HEADERS, body_of, status_of
from small_server import MAX_BODY, THREADS, SmallServer
from spelling import spelled

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

CROWD = 2 * THREADS
POST = b"POST /v1/chat/completions HTTP/1.1\r\n" + JSON_HEADERS
FORM = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
KEY = "planted-key-5d1e"


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallServer]:
    with SmallServer(tmp_path_factory.mktemp("small") / "session").running() as server:
        yield server
    for word in ("unexpected", "Traceback", KEY):
        assert word not in server.log()


@pytest.fixture(scope="module")
def waitress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallServer]:
    with SmallServer(tmp_path_factory.mktemp("waitress") / "session", http_server="waitress").running() as server:
        yield server


@pytest.fixture
def small(small_server: SmallServer) -> Iterator[SmallServer]:
    """The server; it has to be well after each test."""
    yield small_server
    assert small_server.health() == 200


def all_of(connection: socket.socket) -> bytes:
    """Return all that comes until the server ends the connection."""
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


class TestSlowClients:
    @pytest.mark.parametrize(
        "begun",
        [
            b"G",
            b"GET / HTTP/1.1\r\nX-A: ",
            POST + b"Content-Length: 9\r\n\r\n{",
            POST + b"Transfer-Encoding: chunked\r\n\r\n2",
        ],
        ids=["first byte", "head", "body", "chunked body"],
    )
    def test_requests_that_are_never_finished(self, small: SmallServer, begun: bytes) -> None:
        with ExitStack() as crowd:
            connections = [crowd.enter_context(small.connect()) for _ in range(CROWD)]
            for connection in connections:
                connection.sendall(begun)
            assert small.health() == 200
            for connection in connections:
                while connection.recv(65536):
                    pass  # its end is what is waited for

    @pytest.mark.parametrize(
        ("begun", "drop"),
        [(b"GET /health HTTP/1.1\r\nX-A: ", b"a"), (POST + b"Content-Length: 1000000\r\n\r\n", b"[")],
        ids=["head", "body"],
    )
    def test_dripping_gains_no_time(self, small: SmallServer, begun: bytes, drop: bytes) -> None:
        with small.connect() as connection:
            connection.sendall(begun)
            connection.settimeout(0.05)
            for _ in range(600):
                try:
                    connection.sendall(drop)
                    if not connection.recv(65536):
                        return
                except TimeoutError:
                    continue
                except ConnectionError:
                    return
        pytest.fail("the server waited for every drop")

    def test_clients_that_say_nothing(self, small: SmallServer) -> None:
        with ExitStack() as crowd:
            for _ in range(300):
                crowd.enter_context(small.connect())
            assert small.health() == 200

    def test_clients_that_do_not_leave(self, small: SmallServer) -> None:
        with ExitStack() as crowd:
            connections = [crowd.enter_context(small.connect()) for _ in range(CROWD)]
            for connection in connections:
                connection.sendall(b"GET /health HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
            assert small.health() == 200
            for connection in connections:
                assert status_of(connection.recv(65536)) == 200

    @pytest.mark.parametrize(
        "sent",
        [b"", b"GET /hea", b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n", POST + b"Content-Length: 9\r\n\r\n{"],
        ids=spelled,
    )
    def test_a_thousand_clients_that_vanish(self, small: SmallServer, sent: bytes) -> None:
        for _ in range(1000):
            with small.connect() as connection:
                connection.sendall(sent)


class TestOddRequests:
    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x00" * 5000 + b"\r\n\r\n",
            b"GET /health HTTP/9.9\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET " + b"/x" * 10_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET /health HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n",
            b"GET /health HTTP/1.1\r\n" + HOST + b"Authorization: Bearer " + KEY.encode() + b"\x01\r\n\r\n",
            b"GET /health HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: x\r\n" % number for number in range(5000)) + b"\r\n",
            b"GET /health HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: localhost\r\n folded: x\r\n\r\n",
            POST + b"Content-Length: -1\r\n\r\n",
            POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            POST + b"Transfer-Encoding: x\r\n\r\n",
        ],
        ids=lambda sent: repr(sent[:24]),
    )
    def test_what_is_no_request(self, small: SmallServer, request_bytes: bytes) -> None:
        answer = small.answer(request_bytes)
        assert status_of(answer) == 400
        assert body_of(answer)["code"] == "invalid_request"
        assert KEY.encode() not in answer

    @pytest.mark.parametrize(
        "chunk", [b"xyz\r\n", b"-1\r\n", b"f" * 10_000 + b"\r\n", b"2;" + b"x" * 10_000 + b"\r\n{}\r\n"], ids=spelled
    )
    def test_bad_chunks(self, small: SmallServer, chunk: bytes) -> None:
        answer = small.answer(POST + b"Transfer-Encoding: chunked\r\n" + CLOSE + b"\r\n" + chunk)
        assert status_of(answer) == 400

    @pytest.mark.parametrize(
        "path", [b"/v1/chat/completions", b"/api/chat", b"/api/chats/cleanup", b"/api/files/upload"]
    )
    @pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
    def test_a_huge_body(self, small: SmallServer, path: bytes, chunked: bool) -> None:
        upload = path.endswith(b"upload")
        pieces = [FORM if upload else b" ", *[b" " * 1_000_000] * 150]
        kind = b"multipart/form-data; boundary=b" if upload else b"application/json"
        head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Content-Type: " + kind + b"\r\n"
        if chunked:
            head += b"Transfer-Encoding: chunked\r\n\r\n"
            pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
        else:
            head += b"Content-Length: %d\r\n\r\n" % sum(map(len, pieces))
        assert status_of(small.answer(head, *pieces)) == 413

    @pytest.mark.parametrize("form", [FORM, b"--"], ids=["file", "boundary"])
    @pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
    @pytest.mark.parametrize("leaves", [False, True], ids=["stalls", "leaves"])
    def test_an_upload_that_breaks_off(self, small: SmallServer, form: bytes, chunked: bool, leaves: bool) -> None:
        head = b"POST /api/files/upload HTTP/1.1\r\n" + HOST + b"Content-Type: multipart/form-data; boundary=b\r\n"
        framing = b"Transfer-Encoding: chunked\r\n\r\n100\r\n" if chunked else b"Content-Length: 5000\r\n\r\n"
        with small.connect() as connection:
            connection.sendall(head + framing + form)
            if leaves:
                connection.shutdown(socket.SHUT_WR)
            answer = all_of(connection)
        assert (status_of(answer), body_of(answer)["code"]) == (400, "invalid_request")
        assert b"\r\nConnection: close\r\n" in answer

    def test_an_upload_that_is_too_large_and_breaks_off(self, small: SmallServer) -> None:
        head = b"POST /api/files/upload HTTP/1.1\r\n" + HOST + b"Content-Type: multipart/form-data; boundary=b\r\n"
        head += b"Content-Length: %d\r\n\r\n" % (200 * MAX_BODY) + FORM
        assert status_of(small.answer(head, *[b" " * MAX_BODY] * 101)) == 413

    def test_a_body_nobody_reads(self, small: SmallServer) -> None:
        head = b"POST /nowhere HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % (50 * MAX_BODY)
        assert status_of(small.answer(head, *[b" " * MAX_BODY] * 50)) == 404


REFUSED = [
    (b"POST /v1/chat/completions", b"Content-Type: text/plain\r\n", 415),
    (b"POST /api/files/upload", b"Content-Type: text/plain\r\n", 415),
    (b"POST /nowhere", b"", 404),
    (b"POST /v1/models", b"", 405),
    (b"POST /api/chat", b"Origin: https://page.example\r\n", 403),
]


class TestRefusalsBeforeTheBody:
    """What a client asks next over the same connection must not get lost without a word."""

    @pytest.mark.parametrize(("line", "header", "status"), REFUSED)
    @pytest.mark.parametrize("size", [1, 200_000])
    @pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
    def test_the_connection_ends_as_it_says(
        self, small: SmallServer, line: bytes, header: bytes, status: int, size: int, chunked: bool
    ) -> None:
        with small.connect() as connection:
            connection.sendall(request_of(line, header, size, chunked=chunked))
            answer = all_of(connection)
        assert status_of(answer) == status
        assert b"\r\nConnection: close\r\n" in answer

    @pytest.mark.parametrize(("line", "header", "status"), REFUSED)
    def test_waitress_has_read_it_and_goes_on(
        self, waitress: SmallServer, line: bytes, header: bytes, status: int
    ) -> None:
        asked = request_of(line, header, 200_000) + b"GET /health HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
        refusal, _, rest = waitress.answer(asked).partition(b"HTTP/1.1 200")
        assert status_of(refusal) == status
        assert b"close" not in refusal
        assert b"\r\nConnection: close\r\n" in rest

    @pytest.mark.parametrize(
        ("line", "body", "chunked", "status"),
        [
            (b"POST /v1/chat/completions", b"no JSON", False, 400),
            (b"POST /v1/chat/completions", b"no JSON", True, 400),
            (b"POST /api/chats/cleanup", b"{}", False, 400),
            (b"POST /api/chats/cleanup", b"{}", True, 400),
            (b"GET /nowhere", b"", False, 404),
            (b"POST /nowhere", b"", False, 404),
        ],
    )
    def test_one_that_was_read_keeps_it(
        self, small: SmallServer, line: bytes, body: bytes, chunked: bool, status: int
    ) -> None:
        head = line + b" HTTP/1.1\r\n" + JSON_HEADERS
        asked = head + framed(body, chunked=chunked) + b"GET /health HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
        refusal, _, rest = small.answer(asked).partition(b"HTTP/1.1 200")
        assert status_of(refusal) == status
        assert b"\r\nConnection: keep-alive\r\n" in refusal
        assert rest


def request_of(line: bytes, header: bytes, size: int, *, chunked: bool = False) -> bytes:
    """Return a request with a body of `size` bytes."""
    return line + b" HTTP/1.1\r\n" + HOST + header + framed(b"x" * size, chunked=chunked)


def framed(body: bytes, *, chunked: bool) -> bytes:
    """Return the end of a request's head, and its body."""
    if chunked:
        return b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_few_file_descriptors(tmp_path: Path) -> None:
    with SmallServer(tmp_path / "session", open_files=64).running() as server, ExitStack() as crowd:
        for _ in range(200):
            crowd.enter_context(server.connect())
        assert server.health() == 200
    assert "Traceback" not in server.log()


def test_waitress_is_not_worn_out_either(tmp_path: Path) -> None:
    with SmallServer(tmp_path / "session", http_server="waitress").running() as server, ExitStack() as crowd:
        for begun in (b"", b"G", POST + b"Content-Length: 9\r\n\r\n{"):
            for _ in range(CROWD):
                crowd.enter_context(server.connect()).sendall(begun)
        assert server.health() == 200
        assert status_of(server.answer(POST + CLOSE + b"Content-Length: %d\r\n\r\n" % (2 * MAX_BODY))) == 413


class TestStrangers:
    @pytest.fixture
    def locked(self, proxy: Proxy) -> Iterator[Proxy]:
        """The shared server, with a key."""
        keys = proxy.session_dir / "Authorization.txt"
        before = keys.read_text()
        keys.write_text(f"{KEY}\n")
        yield proxy
        keys.write_text(before)
        assert KEY not in proxy.log()

    def test_guessing_a_key(self, locked: Proxy, site: Sandbox) -> None:
        guesses = ["x", KEY[:-1], f"{KEY}0", KEY.upper(), "x" * 5000, "ключ", "*", f"{KEY},{KEY}"]
        with httpx.Client(base_url=locked.url) as client:
            for guess in guesses:
                for path in ("/v1/models", "/api/status", "/api/chats", "/openapi.json", "/nowhere"):
                    answer = client.get(path, headers={b"Authorization": f"Bearer {guess}".encode()})
                    assert answer.status_code == 401
                    assert answer.headers["www-authenticate"] == "Bearer"
                    assert KEY not in answer.text
        assert asked_in_chats(site) == []

    def test_the_key(self, locked: Proxy) -> None:
        assert httpx.get(f"{locked.url}/api/status", headers={"Authorization": f"Bearer {KEY}"}).status_code == 200

    @pytest.mark.parametrize(
        "header", [{"Host": "page.example"}, {"Origin": "https://page.example"}, {"Origin": "null"}], ids=spelled
    )
    def test_foreign_pages(self, proxy: Proxy, site: Sandbox, header: dict[str, str]) -> None:
        answer = httpx.post(f"{proxy.url}/api/chat", json={"message": "Hello?"}, headers=header)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_host")
        assert asked_in_chats(site) == []


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0o077)
    yield os.umask
    os.umask(before)


def test_nothing_on_the_disk_is_for_others(site: Sandbox, tmp_path: Path, umask: Callable[[int], int]) -> None:
    secret = "planted message text 9b1c"
    proxy = Proxy(site, tmp_path / "session", on_no_accounts="wait")
    account = site.accounts[-1]
    umask(0)
    proxy.registry.add(account.token, account.id)
    with proxy:
        assert ask(proxy.url, f"{{{{say Hello.}}}} {secret}").text
        kept = httpx.post(f"{proxy.url}/api/chat", json={"message": f"{{{{say Hi.}}}} {secret}"}, timeout=60).json()
        assert httpx.delete(f"{proxy.url}/api/chats/{kept['chatId']}").status_code == 200
        profile = proxy.registry.folder(account.id).profile
        assert profile.is_dir()
        ours = [path for path in proxy.session_dir.rglob("*") if profile not in path.parents]
        modes = {str(path): stat.S_IMODE(path.stat().st_mode) for path in [proxy.session_dir, *ours]}
    assert not {path: oct(mode) for path, mode in modes.items() if mode not in (0o600, 0o700)}
    for planted in (secret, account.token, "eyJ"):
        assert planted not in proxy.log()
