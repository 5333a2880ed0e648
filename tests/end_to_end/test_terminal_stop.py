"""Ctrl-C in the terminal that runs the server: the signal reaches every process of it at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from asking import ask, streaming
from cli_runner import Terminal
from proxy_process import environment, eventually, family

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

TOLD = {"en": ("Stopping.", "Stopped."), "ru": ("Остановка.", "Остановлено.")}


ENDLESS = "{{stream chunks=100000 interval_ms=20}}"


@pytest.fixture(params=["gunicorn", "waitress"])
def start(request: pytest.FixtureRequest, site: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """A starter of one server on a terminal, in that language; nothing of it may be left when the test ends."""
    account = site.accounts[0]
    Registry.open(SessionFolder(tmp_path)).add(account.token, account.id)
    told = {"session_dir": tmp_path, "port": 0, "no_menu": 1, "base_url": site.base_url, "base_url_spki": site.spki}
    with ExitStack() as stack:
        yield lambda lang="en": stack.enter_context(
            Terminal(["start", "--server", request.param], environment(**told, lang=lang))
        )
    assert eventually(lambda: not family(tmp_path)), "processes are left behind"
    assert not (tmp_path / f"accounts/{account.id}/browser.json").exists()


def url_shown(terminal: Terminal) -> str:
    line = terminal.expect("Ctrl-C)")
    url = re.search(r"http://[\d.:]+", line)
    assert url
    return url.group()


def ended_well(terminal: Terminal) -> bool:
    return terminal.end() == 0 and "Traceback" not in terminal.text and "Exception" not in terminal.text


@pytest.mark.parametrize("lang", TOLD)
def test_who_stops_it_is_told(start: Callable[..., Terminal], lang: str) -> None:
    stopping, stopped = TOLD[lang]
    terminal = start(lang)
    assert ask(url_shown(terminal), "{{say hello}}").text == "hello"
    terminal.type("\x03")
    terminal.expect(f"\r{stopping}\n")
    terminal.expect(f"\r{stopped}\n")
    assert ended_well(terminal), terminal.text


def test_ctrl_c_twice_ends_it_without_a_trace(start: Callable[..., Terminal]) -> None:
    terminal = start()
    assert ask(url_shown(terminal), "{{say hello}}").text == "hello"
    for _ in range(2):
        terminal.type("\x03")
    assert ended_well(terminal), terminal.text


def test_who_stops_it_while_answers_run_is_told_how_long_that_takes(start: Callable[..., Terminal]) -> None:
    terminal = start()
    with streaming(url_shown(terminal), ENDLESS) as answer:
        answer.until_text()
        terminal.type("\x03")
        terminal.expect("\rStopping: running requests have up to 20 seconds")
        assert terminal.process.poll() is None
        terminal.type("\x03")
        terminal.expect("\rStopped.\n")
    assert ended_well(terminal), terminal.text
    assert "still running" not in terminal.text, "the server waited for the answer first"
