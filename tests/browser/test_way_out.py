"""The way out of an account's browser: no browser without it, and its failures in words."""

from __future__ import annotations

import contextlib
import errno
import itertools
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proxy_servers import ProxyServer
from selenium.common.exceptions import WebDriverException

from qwenproxy.browser import local, navigation
from qwenproxy.browser.binaries import Binaries, Programs
from qwenproxy.browser.forwarding import Forwarder
from qwenproxy.browser.forwarding.heads import LONGEST_HEAD, BadHead, parse_request, parse_status, read_head
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.browser.way_out import WayOut
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import BrowserError, NetworkFailed, ProxyError, SetupError

SITE = "https://site.test"


def folder_of(tmp_path: Path) -> AccountFolder:
    folder = AccountFolder(tmp_path / "accounts" / "acc_1")
    folder.path.mkdir(parents=True)
    return folder


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines of programs that a launcher would have started."""
    lines: list[list[str]] = []

    def start(line: list[str], **_: object) -> None:
        lines.append(line)
        raise OSError(errno.ENOENT, "no such program")

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(Programs, "find", lambda _: Binaries("/bin/chrome", "/bin/driver"))
    return lines


def test_no_browser_starts_without_its_way(
    tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Forwarder, "start", fail)
    launcher = local.LocalLauncher(Programs(), proxy=ProxyAddress("http", "proxy", 1, "anna", "pl4nted"))
    with pytest.raises(BrowserError, match="Too many open files"):
        launcher.launch(folder_of(tmp_path))
    assert started == []


def test_no_browser_starts_with_a_proxy_that_cannot_be_read(tmp_path: Path, started: list[list[str]]) -> None:
    folder = folder_of(tmp_path)
    folder.proxy.write_text("nonsense")
    with pytest.raises(SetupError, match="account proxy acc_1 URL"):
        local.LocalLauncher(Programs()).launch(folder)
    assert started == []


def test_the_way_is_open_before_the_browser_starts_and_closed_with_it(tmp_path: Path, started: list[list[str]]) -> None:
    launcher = local.LocalLauncher(Programs(), proxy=ProxyAddress("http", "proxy", 1, "anna", "pl4nted"))
    with pytest.raises(BrowserError):
        launcher.launch(folder_of(tmp_path))
    [line] = started
    [flag] = [each for each in line if each.startswith("--proxy-server=")]
    assert "anna" not in " ".join(line) and "pl4nted" not in " ".join(line)
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", int(flag.rpartition(":")[2])), 1)


def test_another_proxy_is_noticed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    default = ProxyAddress("http", "default", 1)
    way = WayOut(folder, default)
    assert way.is_current
    folder.proxy.write_text("http://default:1")
    assert way.is_current  # named otherwise, the same proxy
    folder.proxy.write_text("http://anna:pl4nted@default:1")
    assert not way.is_current
    folder.proxy.write_text("nonsense")
    assert not way.is_current
    folder.proxy.unlink()
    assert way.is_current


class Tab:
    """A tab whose driver reaches no page."""

    def __init__(self, trouble: ProxyError | None) -> None:
        self.driver = self
        self.trouble = trouble
        self.hosts: list[str] = []

    def get(self, _: str) -> None:
        raise WebDriverException("unknown error: net::ERR_TUNNEL_CONNECTION_FAILED")

    def way_trouble(self, host: str) -> ProxyError | None:
        self.hosts.append(host)
        return self.trouble


def test_a_page_that_is_not_reached_says_what_the_proxy_does() -> None:
    trouble = BrowserError("The proxy refuses.")
    tab = Tab(trouble)
    with pytest.raises(BrowserError) as caught:
        navigation.navigate(tab, SITE)  # type: ignore[arg-type]
    assert (caught.value, tab.hosts) == (trouble, ["site.test"])
    with pytest.raises(NetworkFailed, match="ERR_TUNNEL_CONNECTION_FAILED"):
        navigation.navigate(Tab(None), SITE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (b"HTTP/1.1 407 No\r\n\r\n", BrowserError),
        (b"HTTP/1.1 502 No\r\n\r\n", NetworkFailed),
        (b"HTTP/1.1 403 No\r\n\r\n", BrowserError),
    ],
    ids=["proxy", "host", "rules"],
)
def test_a_failing_proxy_rests_the_account_and_a_failing_host_does_not(
    tmp_path: Path, refusal: bytes, kind: type[ProxyError]
) -> None:
    with ProxyServer("http", refusal=refusal).running() as proxy:
        way = WayOut(folder_of(tmp_path), ProxyAddress("http", "localhost", proxy.port))
        assert way.url == "" and way.trouble("site.test") is None
        way.open()
        with socket.create_connection(("127.0.0.1", int(way.url.rpartition(":")[2])), 20) as connection:
            connection.sendall(b"CONNECT site.test:443 HTTP/1.1\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 502"
        trouble = way.trouble("site.test")
        way.close()
    assert type(trouble) is kind
    assert f"http://localhost:{proxy.port}" in trouble.message and "account proxy acc_1 URL" in trouble.message


HEAD = b"POST http://user@[::1]:81/a?b HTTP/1.1\r\nHost: x\r\ncontent-length: 3\r\nConnection: x\r\n\r\n"


@given(st.binary(max_size=20), st.lists(st.integers(0, len(HEAD) + 20), max_size=6))
def test_a_head_is_the_same_however_it_comes(rest: bytes, cuts: list[int]) -> None:
    whole = HEAD + rest
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[a:b] for a, b in itertools.pairwise(places) if a != b]
    came = iter(pieces)
    head, early = read_head(lambda _: next(came))
    assert head == HEAD
    assert early + b"".join(came) == rest
    request = parse_request(head)
    assert (request.host, request.port, request.body, request.is_tunnel) == ("::1", 81, 3, False)
    assert request.for_server() == b"POST /a?b HTTP/1.1\r\nHost: x\r\ncontent-length: 3\r\nConnection: close\r\n\r\n"
    assert b"Proxy-Authorization: Basic x\r\n" in request.for_proxy("Basic x")


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_head_or_none(data: bytes) -> None:
    for parse in (parse_request, parse_status):
        with contextlib.suppress(BadHead):
            parse(data)


@pytest.mark.parametrize("data", [b"", b"GET", b"x" * (LONGEST_HEAD + 1)], ids=["nothing", "cut", "long"])
def test_what_ends_early_or_never_is_no_head(data: bytes) -> None:
    came = iter([data] if data else [])
    with pytest.raises(BadHead):
        read_head(lambda _: next(came, b""))
