"""Browsers on a real Selenium Grid with TLS and a password: the one test of it that the whole suite has.

What happens when parts of a Grid die is in test_grid_deaths.py (scripts/test-grid).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from asking import ask, streaming
from proxy_process import Proxy
from real_grid import assert_empty, real_grid
from window_caller import WindowCaller

from local_grid.servers import Wishes
from qwenproxy.sandbox import Sandbox
from qwenproxy.sandbox.tls import new_identity

pytestmark = pytest.mark.browser

PASSWORD = "planted-0f-the/grid @:%'\"é"


def test_a_proxy_without_chrome_answers_from_a_grid_and_leaves_nothing_there(
    new_proxy: Callable[..., Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = new_identity().write_to(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    wishes = Wishes(nodes=1, slots=2, user="test er", password=PASSWORD, tls=(certificate, key))
    with real_grid(wishes) as grid:
        proxy = new_proxy(grid_url=grid.url, chrome="/nowhere/chrome", chromedriver="/nowhere/driver")
        with proxy:
            assert ask(proxy.url, "{{say hello}}").text == "hello"
            with streaming(proxy.url, "{{stream chunks=60 interval_ms=10}}") as answer:
                answer.until_text()
                status = httpx.get(f"{proxy.url}/api/status", timeout=20).json()
                assert answer.rest().text.count("chunk-") == 60
            assert status["grid"]["reachable"], status
            [node] = status["grid"]["nodes"]
            assert (node["status"], node["accounts"]) == ("UP", ["sandbox1"])
            assert proxy.end() == 0
        assert_empty(grid)
        assert PASSWORD not in proxy.log() + str(status), "the password is in the log"
        folder = proxy.session_dir
        assert not any(PASSWORD.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.grid
def test_a_person_logs_in_through_the_window_of_a_browser_on_a_grid(
    new_proxy: Callable[..., Proxy], site: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By text and keys alone: the sign-in page's first field is reached from its beginning."""
    certificate, key = new_identity().write_to(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with real_grid(Wishes(nodes=1, slots=2, user="tester", password=PASSWORD, tls=(certificate, key))) as grid:
        proxy = new_proxy(grid_url=grid.url, chrome="/nowhere/chrome", chromedriver="/nowhere/driver")
        with proxy:
            with WindowCaller(proxy, "mine") as window:
                window.await_page(site.sign_in_url)
                person = site.accounts[1]
                for text in (person.email, person.password):
                    window.press("Tab")
                    window.type(text)
                window.press("Enter")
                assert window.end() == ("done", "mine")
            assert not [title for title in window.titles if "/" in title], "an address may hold a secret of the login"
            with WindowCaller(proxy, "sandbox1") as window:  # a browser that has no profile begins with its login
                window.await_step("works")
                window.confirm()
                assert window.end() == ("done", "sandbox1")
            assert proxy.end() == 0
        assert_empty(grid)
        assert PASSWORD not in proxy.log()
