"""Browsers that do not start, with a real Chromium and a real server: what clients hear, and what runs afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from asking import Reply, ask
from fake_browser import chromium, listening, program, real_driver, unfit
from proxy_process import Proxy, environment, eventually, family

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

RESTED = 60.0  # seconds until an account that rested after a failed start is asked again, on a busy machine


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the copies of these drivers out of the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg"


def assert_browser_error(reply: Reply, proxy: Proxy, *words: str) -> None:
    assert (reply.status, reply.error["code"]) == (503, "browser_error"), reply.body
    for word in words:
        assert word in reply.error["message"]
        assert eventually(partial(is_logged, proxy, word))
    for place in (str(proxy.session_dir.parent), "/usr/", os.path.expanduser("~/")):
        assert place not in reply.body


def is_logged(proxy: Proxy, word: str) -> bool:
    return word in proxy.log()


def recovered(proxy: Proxy) -> bool:
    return bool(eventually(lambda: ask(proxy.url, "{{say fine}}").status == 200, RESTED))


def test_a_driver_of_another_version_is_told_and_its_replacement_used(
    new_proxy: Callable[..., Proxy], site: Sandbox, tmp_path: Path
) -> None:
    driver = listening(tmp_path / "bin", "driver", unfit("140", "156.0.8078.108"), version="140.0.1")
    proxy = new_proxy(chromedriver=driver)
    proxy.start()
    assert_browser_error(ask(proxy.url, "{{say fine}}"), proxy, "version 140", "156.0.8078.108", "CHROMEDRIVER")
    checked = account_check(proxy, site, chromedriver=driver)
    assert (checked.returncode, checked.stderr) == (1, "")
    for words in ("no browser starts", "156.0.8078.108", "Set QWENPROXY_CHROMEDRIVER"):
        assert words in checked.stdout
    program(tmp_path / "bin", "fresh", f'exec {real_driver()} "$@"')
    os.replace(tmp_path / "bin" / "fresh", driver)
    assert recovered(proxy)
    assert proxy.end() == 0


def account_check(proxy: Proxy, site: Sandbox, **settings: object) -> subprocess.CompletedProcess[str]:
    told = environment(
        session_dir=proxy.session_dir, base_url=site.base_url, base_url_spki=site.spki, lang="en", **settings
    )
    command = [sys.executable, "-m", "qwenproxy", "account", "check"]
    return subprocess.run(command, env=told, capture_output=True, text=True, timeout=90, check=False)


def test_a_browser_that_is_gone_for_a_moment_is_told_and_used_again(
    new_proxy: Callable[..., Proxy], tmp_path: Path
) -> None:
    chrome = program(tmp_path / "opt", "chrome", f'exec {chromium()} "$@"')
    proxy = new_proxy(chrome=chrome)
    proxy.start()
    assert ask(proxy.url, "{{say fine}}").text == "fine"
    browser, driver = proxy.browser("sandbox1")
    os.rename(chrome, f"{chrome}.old")
    for process in (browser, driver):
        process.kill()
    replies: list[Reply] = []

    def is_refused() -> bool:
        replies.append(ask(proxy.url, "{{say fine}}"))
        return replies[-1].status == 503

    assert eventually(is_refused)
    refused = replies[-1]
    assert "QWENPROXY_CHROME names chrome, but that is not a program" in refused.error["message"]
    assert str(tmp_path) not in refused.body
    os.rename(f"{chrome}.old", chrome)
    assert recovered(proxy)
    assert proxy.end() == 0


def test_a_home_that_cannot_be_written_is_no_obstacle(
    new_proxy: Callable[..., Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))  # also root cannot make a folder there
    proxy = new_proxy()
    proxy.start()
    assert ask(proxy.url, "{{say fine}}").text == "fine"
    assert list((proxy.session_dir / "cache" / "drivers").glob("chromedriver-*"))
    assert (proxy.session_dir / "cache").stat().st_mode & 0o077 == 0
    assert proxy.end() == 0


def test_no_browser_of_a_launcher_runs_on(new_proxy: Callable[..., Proxy], tmp_path: Path) -> None:
    chrome = program(tmp_path / "opt", "chrome", f'{chromium()} "$@" & exit 0')
    proxy = new_proxy(chrome=chrome)
    proxy.start()
    assert_browser_error(ask(proxy.url, "{{say fine}}"), proxy, "ended at once (exit status 0)")
    assert proxy.end() == 0
    assert eventually(lambda: not family(proxy.session_dir)), "a browser runs on"
