"""Browsers that fail while others are well: who pays, who notices, and what is used once it was mended."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from asking import Reply, ask, together
from fake_browser import chromium, program, real_driver
from proxy_process import Proxy, eventually

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

SICK = "its browser does not start"
FIRST = "*accounts/sandbox1/profile*"


@pytest.fixture
def two_accounts(new_proxy: Callable[..., Proxy], site: Sandbox) -> Callable[..., Proxy]:
    """Return a maker of servers with two accounts, not yet started; settings as keywords."""

    def make(**settings: object) -> Proxy:
        proxy = new_proxy(**settings)
        proxy.registry.add(site.accounts[1].token, site.accounts[1].id)
        return proxy

    return make


def failing(folder: Path, which: str, how: str) -> str:
    """Return a Chrome that fails for the profiles that a shell pattern names."""
    return program(folder, "chrome", f'case "$*" in {which}) {how};; esac; exec {chromium()} "$@"')


def test_a_browser_that_hangs_is_paid_for_once(two_accounts: Callable[..., Proxy], tmp_path: Path) -> None:
    proxy = two_accounts(chrome=failing(tmp_path / "opt", FIRST, "exec sleep 600"))
    proxy.start()
    replies = together(*[lambda: ask(proxy.url, "{{say fine}}")] * 3)
    assert eventually(lambda: SICK in proxy.log()), proxy.log()
    replies += [ask(proxy.url, "{{say fine}}") for _ in range(4)]
    assert [reply.text for reply in replies] == ["fine"] * 7
    assert proxy.log().count(SICK) == 1
    first, second = proxy.registry.all()
    assert (first.reason, first.invalid) == ("browser", False)
    assert second.reset_at is None
    assert proxy.end() == 0


def test_where_no_browser_starts_everybody_hears_the_reason(two_accounts: Callable[..., Proxy], tmp_path: Path) -> None:
    words = "echo '[1:1:0101/000000.000000:FATAL:zygote.cc] No usable sandbox! See the docs.' >&2; exit 1"
    proxy = two_accounts(chrome=failing(tmp_path / "opt", "*", words))
    proxy.start()
    replies = [ask(proxy.url, "{{say fine}}"), *together(*[lambda: ask(proxy.url, "{{say fine}}")] * 4)]
    for reply in replies:
        assert (reply.status, reply.error["code"]) == (503, "browser_error")
        assert "No usable sandbox" in reply.error["message"]
        assert str(tmp_path) not in reply.body
    assert int(replies[-1].headers["retry-after"]) <= 10
    assert proxy.log().count(SICK) == 2, proxy.log()
    assert proxy.end() == 0


def test_a_driver_replaced_under_load_is_used_at_the_next_start(
    two_accounts: Callable[..., Proxy], site: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    driver = tmp_path / "chromedriver"
    shutil.copy2(real_driver(), driver)
    proxy = two_accounts(chromedriver=str(driver))
    proxy.start()
    for _ in range(2):
        assert ask(proxy.url, "{{say fine}}").text == "fine"
    assert eventually(lambda: "account=sandbox1 browser opened" in proxy.log()), proxy.log()
    old = proxy.browser("sandbox1")[1].exe()
    replaced = threading.Event()
    replies: list[Reply] = []

    def go_on() -> None:
        while not replaced.is_set():
            replies.append(ask(proxy.url, "{{stream chunks=20 interval_ms=10}}"))

    clients = [threading.Thread(target=go_on) for _ in range(4)]
    for client in clients:
        client.start()
    fresh = tmp_path / "fresh"
    shutil.copy(real_driver(), fresh)  # as a package manager does: another file in its place
    fresh.replace(driver)
    for process in proxy.browser("sandbox1"):
        with suppress(psutil.NoSuchProcess):  # the end of one may end the other
            process.kill()
    assert eventually(lambda: proxy.log().count("account=sandbox1 browser opened") >= 2), proxy.log()
    new = proxy.browser("sandbox1")[1].exe()
    replaced.set()
    for client in clients:
        client.join()
    assert {(reply.status, reply.text.count("chunk-")) for reply in replies} == {(200, 20)}
    assert new != old, "the copy of the old driver was started once more"
    assert proxy.end() == 0
