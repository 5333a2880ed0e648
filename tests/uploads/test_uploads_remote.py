"""What the proxy fetches for a client, and all that it does not: addresses, hops, sizes, time."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import certifi
import pytest

from qwenproxy.errors import RequestError, TooLarge
from qwenproxy.sandbox import Sandbox
from qwenproxy.uploads.addresses import is_public, parse_target
from qwenproxy.uploads.remote import TOTAL_TIMEOUT, RemoteFetcher, RemoteFile, Unreachable, resolve

Page = Callable[[BaseHTTPRequestHandler], object]
Drip = Callable[[threading.Event], Page]

CONTENT = b"\x89PNG\r\n\x1a\n and more"


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "100.128.0.1", "172.32.0.1", "192.169.0.1", "2001:4860:4860::8888", "2606:4700::1111"],
)
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254"),
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1"),
        *("198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255"),
        *("240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *("100::1", "2001::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "4000::1"),
        *("fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url, host, port, path, header",
    [
        ("http://Example.COM", "example.com", 80, "/", "example.com"),
        ("https://example.com/a b?c=d e#f", "example.com", 443, "/a%20b?c=d%20e", "example.com"),
        ("https://example.com:8443/%D0%BF", "example.com", 8443, "/%D0%BF", "example.com:8443"),
        ("http://пример.рф/п", "xn--e1afmkfd.xn--p1ai", 80, "/%D0%BF", "xn--e1afmkfd.xn--p1ai"),
        ("http://[2001:4860:4860::8888]/", "2001:4860:4860::8888", 80, "/", "[2001:4860:4860::8888]"),
        ("http://8.8.8.8:80/", "8.8.8.8", 80, "/", "8.8.8.8"),
    ],
    ids=["host alone", "spaces", "port", "not ASCII", "IPv6", "IPv4"],
)
def test_urls_are_taken_apart(url: str, host: str, port: int, path: str, header: str) -> None:
    target = parse_target(url)
    assert (target.host, target.port, target.path, target.host_header) == (host, port, path, header)


@pytest.mark.parametrize(
    "url",
    [
        *("", "a.png", "/etc/passwd", "file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "http://"),
        *("http://user:secret@example.com/", "http://example.com@127.0.0.1/", "http://good.example\\@127.0.0.1/"),
        *("http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/"),
        *("http://127.0.0.1.0x7f/", "http://[fe80::1%25eth0]/", "http://[::1/", "http://exa mple.com/"),
        *("http://%31%32%37.0.0.1/", "http://example.com:99999/", "http://a..b/", "javascript:1"),
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    fetcher = RemoteFetcher(resolver=lambda host, port: pytest.fail("was resolved"))
    with pytest.raises(RequestError):
        fetcher.fetch(url, 100)


@pytest.mark.parametrize(
    "host, addresses",
    [
        ("internal.example", ["10.0.0.1"]),
        ("mixed.example", ["8.8.8.8", "127.0.0.1"]),
        ("six.example", ["::1"]),
        ("mapped.example", ["::ffff:10.0.0.1"]),
        ("scoped.example", ["fe80::1%eth0"]),
        ("metadata.example", ["169.254.169.254"]),
        ("localhost", ["8.8.8.8"]),
        ("foo.localhost", ["8.8.8.8"]),
        ("127.0.0.1", ["127.0.0.1"]),
        ("①②⑦.⓪.⓪.①", ["127.0.0.1"]),
    ],
    ids=str,
)
def test_names_that_lead_inside(host: str, addresses: list[str]) -> None:
    fetcher = RemoteFetcher(resolver=lambda *_: addresses)
    with pytest.raises(RequestError):
        fetcher.fetch(f"http://{host}/a.png", 100)


@pytest.mark.parametrize("addresses", [[], OSError("no such name")], ids=["no address", "no such name"])
def test_names_that_lead_nowhere(addresses: list[str] | OSError) -> None:
    def resolver(host: str, port: int) -> list[str]:
        if isinstance(addresses, OSError):
            raise addresses
        return addresses

    with pytest.raises(Unreachable):
        RemoteFetcher(resolver=resolver).fetch("http://unknown.example/a.png", 100)


def test_the_systems_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "127.0.0.1" in resolve("127.0.0.1", 80)

    def unknown(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror, match="no such name"):
        resolve("unknown.example", 80)


def test_a_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: gone.wait(60) and [])
    try:
        with pytest.raises(TimeoutError):
            resolve("silent.example", 80, resolve_timeout=0.05)
    finally:
        gone.set()


class Web:
    """A web server whose paths are functions of the handler; `seen` holds Host headers and paths."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.pages: dict[str, Page] = {}
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.seen.append((self.headers["Host"], self.path))
                web.pages[self.path.partition("?")[0]](self)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def content(data: bytes, *, length: bool = True, declared: int | None = None) -> Page:
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "image/png")
        if length:
            handler.send_header("Content-Length", str(len(data) if declared is None else declared))
        handler.end_headers()
        handler.wfile.write(data)

    return page


def redirect(location: str, status: int = 302) -> Page:
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return page


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


class Fetch:
    """Fetches from a web server, to which every name but inside.example leads by an address that counts as public."""

    def __init__(self, web: Web) -> None:
        self.resolved: list[str] = []
        self._port = web.port

    def __call__(
        self, path: str, max_bytes: int = 1000, host: str = "outside.example", total_timeout: float = TOTAL_TIMEOUT
    ) -> RemoteFile:
        fetcher = RemoteFetcher(
            resolver=self._resolve, allowed=lambda each: str(each) == "127.0.0.1", total_timeout=total_timeout
        )
        return fetcher.fetch(f"http://{host}:{self._port}{path}", max_bytes)

    def _resolve(self, host: str, port: int) -> list[str]:
        self.resolved.append(host)
        return ["127.0.0.2" if host == "inside.example" else "127.0.0.1"]


@pytest.fixture
def fetch(web: Web) -> Fetch:
    return Fetch(web)


def test_a_file_is_fetched_from_the_address_that_was_checked(web: Web, fetch: Fetch) -> None:
    web.pages["/dir/кот.png"] = web.pages["/dir/%D0%BA%D0%BE%D1%82.png"] = content(CONTENT)
    file = fetch("/dir/кот.png?size=1")
    assert (file.data, file.name, file.content_type) == (CONTENT, "кот.png", "image/png")
    assert web.seen == [(f"outside.example:{web.port}", "/dir/%D0%BA%D0%BE%D1%82.png?size=1")]
    assert fetch.resolved == ["outside.example"]


def test_no_proxy_of_the_environment_is_used(web: Web, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    web.pages["/a.png"] = content(CONTENT)
    assert fetch("/a.png").data == CONTENT


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(web: Web, fetch: Fetch, status: int) -> None:
    web.pages["/start"] = redirect("next?x=1", status)
    web.pages["/next"] = redirect(f"http://other.example:{web.port}/a.png", status)
    web.pages["/a.png"] = content(CONTENT)
    assert fetch("/start").name == "a.png"
    assert fetch.resolved == ["outside.example", "outside.example", "other.example"]


def test_three_redirects_and_no_more(web: Web, fetch: Fetch) -> None:
    for number in range(4):
        web.pages[f"/{number}"] = redirect(f"/{number + 1}")
    web.pages["/4"] = content(CONTENT)
    assert fetch("/1").data == CONTENT
    web.seen.clear()
    with pytest.raises(RequestError, match="redirects"):
        fetch("/0")
    assert len(web.seen) == 4


@pytest.mark.parametrize(
    "location",
    [
        "http://inside.example:{port}/secret",
        "http://127.0.0.3:{port}/secret",
        "//inside.example:{port}/secret",
        "http://2130706433:{port}/secret",
        "http://localhost:{port}/secret",
        "file:///etc/passwd",
        "http://user@outside.example:{port}/secret",
    ],
)
def test_a_redirect_does_not_lead_inside(web: Web, fetch: Fetch, location: str) -> None:
    web.pages["/start"] = redirect(location.replace("{port}", str(web.port)))
    web.pages["/secret"] = content(CONTENT)
    resolver = {"127.0.0.3": "127.0.0.3"}
    fetcher = RemoteFetcher(
        resolver=lambda host, port: [resolver.get(host, "127.0.0.2" if host == "inside.example" else "127.0.0.1")],
        allowed=lambda each: str(each) == "127.0.0.1",
    )
    with pytest.raises(RequestError):
        fetcher.fetch(f"http://outside.example:{web.port}/start", 1000)
    assert [path for _, path in web.seen] == ["/start"]


def test_a_name_that_changes_its_address_between_hops(web: Web) -> None:
    answers = iter((["127.0.0.1"], ["127.0.0.2"]))
    fetcher = RemoteFetcher(resolver=lambda *_: next(answers), allowed=lambda each: str(each) == "127.0.0.1")
    web.pages["/start"] = redirect("/secret")
    with pytest.raises(RequestError):
        fetcher.fetch(f"http://changing.example:{web.port}/start", 1000)
    assert [path for _, path in web.seen] == ["/start"]


@pytest.mark.parametrize("length", [True, False], ids=["with a length", "without a length"])
def test_the_limit_holds_with_and_without_a_length(web: Web, fetch: Fetch, length: bool) -> None:
    web.pages["/a.png"] = content(bytes(1000), length=length)
    web.pages["/b.png"] = content(bytes(1001), length=length)
    assert len(fetch("/a.png").data) == 1000
    with pytest.raises(TooLarge):
        fetch("/b.png")


@pytest.mark.parametrize(
    "page",
    [
        lambda handler: handler.send_error(404),
        lambda handler: handler.send_error(500),
        content(CONTENT, declared=len(CONTENT) + 1),
        lambda handler: handler.wfile.write(b"no HTTP at all\r\n\r\n"),
        lambda handler: handler.connection.close(),
        redirect(""),
    ],
    ids=["404", "500", "too short", "no HTTP", "hung up", "redirect to nowhere"],
)
def test_what_is_no_answer(web: Web, fetch: Fetch, page: Page) -> None:
    web.pages["/a.png"] = page
    with pytest.raises(Unreachable):
        fetch("/a.png")


def test_the_next_address_is_tried_where_one_is_dead(web: Web) -> None:
    web.pages["/a.png"] = content(CONTENT)
    fetcher = RemoteFetcher(resolver=lambda *_: ["127.0.0.9", "127.0.0.1"], allowed=lambda each: True)
    assert fetcher.fetch(f"http://two.example:{web.port}/a.png", 1000).data == CONTENT


def drip_of_headers(gone: threading.Event) -> Page:
    def page(handler: BaseHTTPRequestHandler) -> None:
        while not gone.wait(0.02):
            handler.wfile.write(b"X")

    return page


def drip_of_content(gone: threading.Event) -> Page:
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not gone.wait(0.02):
            handler.wfile.write(b"x")

    return page


@pytest.mark.parametrize("drip", [drip_of_headers, drip_of_content])
def test_an_answer_that_never_ends_is_cut_at_the_deadline(web: Web, fetch: Fetch, drip: Drip) -> None:
    gone = threading.Event()
    web.pages["/a.png"] = drip(gone)
    try:
        with pytest.raises(Unreachable):
            fetch("/a.png", max_bytes=10**9, total_timeout=0.3)
    finally:
        gone.set()


def test_certificates_are_checked_against_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox() as site:
        authority = tmp_path / "authority.pem"
        authority.write_text(site.certificate)
        monkeypatch.setattr(certifi, "where", lambda: str(authority))
        fetcher = RemoteFetcher(resolver=lambda *_: ["127.0.0.1"], allowed=lambda each: True)
        assert b"message-input-textarea" in fetcher.fetch(f"https://127.0.0.1:{site.port}/", 10**6).data
        with pytest.raises(Unreachable):
            fetcher.fetch(f"https://other.example:{site.port}/", 10**6)
        monkeypatch.undo()
        with pytest.raises(Unreachable):
            RemoteFetcher(allowed=lambda each: True).fetch(f"https://127.0.0.1:{site.port}/", 10**6)
