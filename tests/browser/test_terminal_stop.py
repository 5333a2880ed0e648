"""Ctrl-C in the terminal that runs the server: the signal reaches every process of it at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from asking import ask
from cli_runner import Terminal
from proxy_process import environment, eventually, family

from qwenproxy.accounts.registry import Registry
from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_it_without_a_trace(site: Sandbox, tmp_path: Path, times: int) -> None:
    account = site.accounts[0]
    Registry(tmp_path).add(account.token, account.id)
    told = environment(
        session_dir=tmp_path, port=0, no_menu=1, lang="en", base_url=site.base_url, base_url_spki=site.spki
    )
    with Terminal(["start"], told) as terminal:
        line = terminal.expect("(stop it with Ctrl-C)")
        url = re.search(r"http://[\d.:]+", line)
        assert url
        assert ask(url.group(), "{{say hello}}").text == "hello"
        for _ in range(times):
            terminal.type("\x03")
        assert terminal.process.wait(60) == 0
    assert eventually(lambda: not family(tmp_path)), "processes are left behind"
    assert not (tmp_path / f"accounts/{account.id}/browser.json").exists()
