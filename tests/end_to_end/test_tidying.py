"""A tab tidies its page: what was read does not stay in Chrome's memory, and answers under way do not notice."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from asking import ask, together
from devtools import devtools
from proxy_process import Proxy, eventually

from qwenproxy.browser import exchange
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.local import Chrome, LocalLauncher
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.page_login import Login
from qwenproxy.browser.site import Site, load_site
from qwenproxy.browser.tab import Tab
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.sandbox import Sandbox
from qwenproxy.upstream import calls

pytestmark = pytest.mark.browser

MODEL = "qwen3.7-plus"
READ = 5_000_000  # bytes of an answer
KEPT = 3_000_000  # bytes; what the page of the stand-in takes by itself is a quarter of it
ANSWER_WAIT = 30.0  # seconds


def heap(chrome: psutil.Process) -> int:
    """Return how many bytes the scripts of the page have in use, garbage left out."""
    devtools(chrome, "HeapProfiler.collectGarbage")
    return int(devtools(chrome, "Runtime.getHeapUsage")["usedSize"])


def test_what_was_read_does_not_stay_in_the_page(proxy: Proxy, only_account: str) -> None:
    assert len(ask(proxy.url, f"{{{{long bytes={READ}}}}}").text) == READ
    chrome, _ = proxy.browser(only_account)
    assert eventually(lambda: heap(chrome) < KEPT), f"{heap(chrome)} bytes are left"


@pytest.fixture
def chrome(site: Sandbox, tmp_path: Path) -> Iterator[Chrome]:
    """A browser of the test process itself."""
    chrome = LocalLauncher(Programs(), spki=site.spki).launch(AccountFolder(tmp_path))
    yield chrome
    chrome.close()


def test_answers_go_on_while_their_page_is_tidied(
    chrome: Chrome, site: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "TIDY_BUSY", 0)  # before every exchange
    sessions = set()
    renew_session = chrome.tab.renew_session

    def renew_and_note() -> None:
        renew_session()
        sessions.add(chrome.tab.driver.session_id)

    monkeypatch.setattr(chrome.tab, "renew_session", renew_and_note)
    token, known = site.accounts[0].token, Site(site.base_url)
    load_site(chrome.tab, known, AccountFolder(tmp_path), Login(token), time.time)
    tab = Tab("a", chrome.tab, known, token, lambda _: None)

    def call(request: PageRequest) -> str:
        response = tab.fetch(request)
        assert response.head(ANSWER_WAIT)
        return "".join(response.iter_text())

    def answer() -> list[str]:
        chat_id = calls.chat_id_from(call(calls.new_chat(MODEL)))
        question = calls.Question(MODEL, "{{stream chunks=100 interval_ms=10}}")
        return re.findall(r"chunk-\d+", call(calls.completion(chat_id, question)))

    try:
        answers = together(*[answer] * 3)
    finally:
        tab.close()
    assert answers == [[f"chunk-{number:03d}" for number in range(100)]] * 3
    assert len(sessions) > 2, "it was not tidied meanwhile"
