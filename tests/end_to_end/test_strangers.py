"""What a client may lead the proxy to: no other machine, no other file; and what it may read of others: nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from asking import ask, asked_in_chats, request_body
from proxy_process import Proxy
from raw_http import CLOSE, HOST, JSON_HEADERS, body_of, status_of
from session_files import account_of
from small_server import SmallServer

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

INSIDE = [
    "http://127.0.0.1:{port}/a.png",
    "http://127.1:{port}/a.png",
    "http://2130706433:{port}/a.png",
    "http://0x7f000001:{port}/a.png",
    "http://0x7f.0.0.1:{port}/a.png",
    "http://0177.0.0.1:{port}/a.png",
    "http://017700000001:{port}/a.png",
    "http://127.0.0.1.:{port}/a.png",
    "http://①②⑦.⓪.⓪.①:{port}/a.png",
    "http://0.0.0.0:{port}/a.png",
    "http://0:{port}/a.png",
    "http://localhost:{port}/a.png",
    "http://LOCALHOST.:{port}/a.png",
    "http://a.localhost:{port}/a.png",
    "http://[::1]:{port}/a.png",
    "http://[::]:{port}/a.png",
    "http://[::ffff:127.0.0.1]:{port}/a.png",
    "http://[::ffff:7f00:1]:{port}/a.png",
    "http://[64:ff9b::7f00:1]:{port}/a.png",
    "http://[2002:7f00:1::]:{port}/a.png",
    "http://[fe80::1%25lo]:{port}/a.png",
    "http://example.com@127.0.0.1:{port}/a.png",
    "http://127.0.0.1:{port}\\@example.com/a.png",
    "https://127.0.0.1:{port}/a.png",
    "http://169.254.169.254/latest/meta-data/a.png",
    "http://10.0.0.1/a.png",
    "http://192.168.1.1/a.png",
    "http://[fd00::1]/a.png",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/a.png",
    "gopher://127.0.0.1:{port}/a.png",
    "//127.0.0.1:{port}/a.png",
    "http:127.0.0.1:{port}/a.png",
    "\nhttp://127.0.0.1:{port}/a.png",
]
PATHS = [
    "/api/chats/../../tokens.json",
    "/api/chats/%2e%2e%2ftokens",
    "/api/chats/..%5ctokens",
    "/api/chats/%2e%2e",
    "/api/chats/..%2f..%2fetc%2fpasswd",
    "/api/chats/%00",
    "/api/chats/tokens%00.json",
    "/api/chats/%252e%252e%252ftokens",
    "/../../../etc/passwd",
    "//etc/passwd",
]


@contextmanager
def listening() -> Iterator[tuple[socket.socket, int]]:
    """Listen on every loopback address; yield what nobody must connect to, and its port."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as inside:
        inside.settimeout(0)
        yield inside, inside.getsockname()[1]


def test_no_url_leads_inside(proxy: Proxy, site: Sandbox) -> None:
    with listening() as (inside, port), httpx.Client(base_url=proxy.url, timeout=60) as client:
        for url in (each.format(port=port) for each in INSIDE):
            for part in ({"type": "image_url", "image_url": {"url": url}}, {"type": "file", "file": url}):
                answer = client.post("/v1/chat/completions", json=request_body([{"role": "user", "content": [part]}]))
                assert answer.status_code == 400, url
                assert answer.json()["error"]["code"] == "invalid_request"
        with pytest.raises(BlockingIOError):
            inside.accept()
    assert asked_in_chats(site) == []


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallServer]:
    with SmallServer(tmp_path_factory.mktemp("small") / "session").running() as server:
        assert server.health() == 200
        yield server
    assert "unexpected" not in server.log()


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_to_other_files(small: SmallServer, path: str) -> None:
    files = {each: each.read_bytes() for each in files_of(small.session_dir)}
    for method, end in (("GET", ""), ("DELETE", ""), ("PUT", "/rename")):
        head = f"{method} {path}{end} HTTP/1.1\r\n".encode() + JSON_HEADERS + CLOSE
        answer = small.answer(head + b'Content-Length: 12\r\n\r\n{"name":"x"}')
        assert status_of(answer) in (400, 404, 405)
        assert body_of(answer)["code"] in ("invalid_request", "not_found", "chat_not_found", "method_not_allowed")
    assert {each: each.read_bytes() for each in files_of(small.session_dir)} == files


def test_no_redirect_and_no_html(small: SmallServer) -> None:
    for method, path, status in (("GET", "//v1//models", 503), ("OPTIONS", "/v1/models", 200), ("GET", "/", 404)):
        answer = small.answer(f"{method} {path} HTTP/1.1\r\n".encode() + HOST + CLOSE + b"\r\n")
        assert status_of(answer) == status
        assert b"html" not in answer


def test_words_stay_where_they_belong(proxy: Proxy, site: Sandbox, only_account: str) -> None:
    words = "planted words 5f0c"
    assert words in ask(proxy.url, f"{{{{say {words}}}}}").text
    token = account_of(proxy.registry, only_account).token
    profile = proxy.registry.folder(only_account).profile
    for secret, home in ((words, {"history"}), (token, {"tokens.json", "accounts"})):
        holders = [path for path in files_of(proxy.session_dir) if secret.encode() in path.read_bytes()]
        assert holders
        assert {path.relative_to(proxy.session_dir).parts[0] for path in holders} == home
        assert {path.name for path in holders if path.parts[-3:-2] == ("accounts",)} <= {"token.txt", "state.json"}
    assert profile.is_dir()


def files_of(session_dir: Path) -> list[Path]:
    """Return the files of a session folder that are not Chrome's own."""
    return [each for each in session_dir.rglob("*") if each.is_file() and "profile" not in each.parts]


def test_chromes_own_sandbox_is_only_off_for_root(proxy: Proxy, only_account: str) -> None:
    assert ask(proxy.url, "{{say ready}}").text == "ready"
    chrome, _ = proxy.browser(only_account)
    root = os.geteuid() == 0
    assert ("--no-sandbox" in chrome.cmdline()) == root
    assert ("running as root: Chrome starts with --no-sandbox" in proxy.log()) == root
