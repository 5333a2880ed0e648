"""Accounts behind proxies that want a password: the site sees nobody else, and nobody sees the password."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from asking import ask
from fake_browser import chromium
from netlog import NetworkLog, logging_chrome
from proxy_process import Proxy, eventually
from proxy_servers import ProxyServer

from qwenproxy.accounts.proxies import Proxies
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

PASSWORD = "planted%20pass%40word"  # percent-encoded: "planted pass@word"
SECRETS = ("planted pass@word", PASSWORD, "cGxhbnRlZ", "planted")


@pytest.fixture
def site() -> Iterator[Sandbox]:
    """A stand-in of this test's own: at the shared one connections of other servers would be seen, too."""
    with Sandbox(accounts=1) as site:
        yield site


@pytest.fixture
def socks() -> Iterator[ProxyServer]:
    with ProxyServer("socks5", "anna", "planted pass@word", host="::1").running() as proxy:
        yield proxy


@pytest.fixture
def http() -> Iterator[ProxyServer]:
    with ProxyServer("http", "bert", "planted pass@word").running() as proxy:
        yield proxy


def address(proxy: ProxyServer, password: str = PASSWORD) -> ProxyAddress:
    host = "[::1]" if proxy.host == "::1" else "localhost"
    return ProxyAddress.parse(f"{proxy.kind}://{proxy.user}:{password}@{host}:{proxy.port}")


def upload(proxy: Proxy) -> int:
    files = {"file": ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(64))}
    return httpx.post(f"{proxy.url}/api/files/upload", files=files, timeout=90).status_code


def command_lines(proxy: Proxy) -> str:
    return "\n".join(" ".join(process.cmdline()) for process in proxy.family())


def test_the_site_sees_the_proxies_only_and_nobody_the_password(
    new_proxy: Callable[..., Proxy], site: Sandbox, socks: ProxyServer, http: ProxyServer, tmp_path: Path
) -> None:
    server = new_proxy(
        proxy=str(http.url.replace(http.password, PASSWORD)), chrome=logging_chrome(chromium(), tmp_path)
    )
    proxies = Proxies(server.registry)
    proxies.change(site.accounts[0].id, address(socks))
    server.start()
    assert ask(server.url, "{{say one}}").text == "one"
    assert upload(server) == 200
    assert site.peers and site.peers <= socks.ports
    assert any(place == ("localhost", int(site.store_origin.rpartition(":")[2])) for place in socks.asked)
    lines = command_lines(server)
    assert "--proxy-server=http://127.0.0.1:" in lines
    shown = httpx.get(f"{server.url}/api/status").json()["accounts"][0]["proxy"]
    assert shown == f"socks5://[::1]:{socks.port}"

    # Another proxy while the server runs: here its own is taken away.
    site.clear()
    proxies.change(site.accounts[0].id, None)
    assert ask(server.url, "{{say two}}").text == "two"
    assert site.peers and site.peers <= http.ports
    http.user = "somebody else"
    (chrome, _) = server.browser(site.accounts[0].id)
    proxies.change(site.accounts[0].id, address(http, "planted-and-wrong"))
    assert eventually(lambda: not running(chrome)), "the browser with the old proxy stays open"
    reply = ask(server.url, "{{say three}}")
    assert (reply.status, reply.error["code"]) == (503, "browser_error")
    assert f"The proxy http://localhost:{http.port} refuses the user or the password." in reply.error["message"]
    assert f"qwenproxy account proxy {site.accounts[0].id} URL" in reply.error["message"]
    status = httpx.get(f"{server.url}/api/status").text
    lines += command_lines(server)
    assert server.end() == 0
    logs = sorted(tmp_path.glob("net-*.json"))
    assert len(logs) >= 3, "on a slow machine the last browser was tried more than once"
    for path in logs:
        assert_one_way(path)
    lines += "".join(path.read_text(errors="replace") for path in logs)
    for secret in SECRETS:
        for text in (lines, server.log(), reply.body, status, *chrome_logs(server.session_dir)):
            assert secret not in text


def assert_one_way(path: Path) -> None:
    """By its own log a Chrome connects to its forwarder alone, sends nothing past it and looks no name up."""
    log = NetworkLog.read(path)
    [proxy] = re.findall(r"--proxy-server=http://(\S+)", log.command_line)
    assert log.connected == {proxy}
    assert (log.looked_up, log.sent_without_connection) == (set(), 0)


def chrome_logs(session_dir: Path) -> list[str]:
    return [path.read_text(errors="replace") for path in session_dir.glob("accounts/*/*.log")]


def running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
