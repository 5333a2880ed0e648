"""What an open account costs the machine, as far as it can be counted and not only measured."""

from __future__ import annotations

import contextlib

import psutil
import pytest
from asking import ask
from proxy_process import Proxy

pytestmark = pytest.mark.browser


def renderers(browser: psutil.Process) -> list[psutil.Process]:
    found = []
    for process in browser.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "--type=renderer" in process.cmdline():
                found.append(process)
    return found


def test_an_account_has_one_page_and_one_renderer(proxy: Proxy, only_account: str) -> None:
    assert ask(proxy.url, "{{say Hello.}}").text == "Hello."
    chrome, _ = proxy.browser(only_account)
    assert len(renderers(chrome)) == 1
