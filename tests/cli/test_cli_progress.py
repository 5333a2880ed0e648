"""The live line: visible on a terminal while something runs, erased at the end, absent without a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import CHECKOUT, Terminal, clean_environment, new_token

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")

ERASED = "\r\x1b[K"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return settings with two accounts, whose browsers fail to start at once."""
    registry = Registry.open(SessionFolder(tmp_path / "session"))
    for name in ("first", "second"):
        registry.add(new_token(name), name)
    chrome = {"QWENPROXY_CHROME": "/bin/false", "QWENPROXY_CHROMEDRIVER": "/bin/false", "QWENPROXY_DRIVER": "plain"}
    return clean_environment(tmp_path / "session", QWENPROXY_NO_MENU="1", QWENPROXY_PORT="0", **chrome)


RESULTS = [(["account", "check"], "the check failed"), (["doctor"], "No browser starts for this account")]


@pytest.mark.parametrize(("command", "result"), RESULTS, ids=["check", "doctor"])
def test_the_line_names_the_account(environment: dict[str, str], command: list[str], result: str) -> None:
    with Terminal(command, environment) as terminal:
        for number, name in ((1, "first"), (2, "second")):
            terminal.expect(f"Asking the site about {name} ({number} of 2) ...")
            terminal.expect(ERASED)
            terminal.expect(f"{name}: {result}")
        assert terminal.end() == 1


@pytest.mark.parametrize(("command", "result"), RESULTS, ids=["check", "doctor"])
def test_without_a_terminal_there_is_no_live_line(environment: dict[str, str], command: list[str], result: str) -> None:
    piped = {**environment, "PYTHONIOENCODING": "utf-8"}
    process = subprocess.run(
        [sys.executable, "-m", "qwenproxy", *command],
        env=piped,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result in process.stdout
    for trace in ("\x1b", "Asking the site"):
        assert trace not in process.stdout + process.stderr


def test_the_browser_that_opens_at_the_start(environment: dict[str, str]) -> None:
    with Terminal(["start"], environment) as terminal:
        terminal.expect("listens on")
        terminal.expect("print(answer.choices[0].message.content)")
        terminal.expect("Opening the browser of first ...")
        terminal.expect(ERASED)
        terminal.expect("no browser opened yet")
        terminal.type("\x03")
        assert terminal.end() == 0
    assert "is ready after" not in terminal.text


def test_a_browser_that_does_not_start_is_reported_in_russian(environment: dict[str, str]) -> None:
    with Terminal(["account", "check", "first"], {**environment, "QWENPROXY_LANG": "ru"}) as terminal:
        terminal.expect("Спрашиваем сайт об аккаунте first (1 из 1) ...")
        terminal.expect("сразу завершился (код завершения 1)")
        assert terminal.end() == 1
