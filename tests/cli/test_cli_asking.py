"""Questions on a real pseudo-terminal: what is typed, and that no Ctrl-C is lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runner import Terminal, clean_environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")

PROGRAM = """
import click
from qwenproxy.cli.terminal.asking import ask

for number in range(300):
    try:
        print("answer:", repr(ask(f"Question {number}", "yes")), flush=True)
    except click.Abort:
        print("stopped", flush=True)
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with Terminal([], clean_environment(tmp_path), ("-c", PROGRAM)) as terminal:
        yield terminal


def test_what_is_typed_is_the_answer_and_nothing_is_the_default(terminal: Terminal) -> None:
    for typed, answer in (("no\n", "'no'"), ("\n", "'yes'"), ("  да \n", "'да'")):
        terminal.expect(" [yes]: ")
        terminal.type(typed)
        terminal.expect(f"answer: {answer}")


def test_the_end_of_the_input_stops(terminal: Terminal) -> None:
    terminal.expect(" [yes]: ")
    terminal.type("\x04")
    terminal.expect("stopped")


def test_ctrl_c_as_soon_as_the_question_shows_is_never_lost(terminal: Terminal) -> None:
    for number in range(300):
        terminal.expect(f"Question {number} [yes]: ")
        terminal.type("\x03")
        terminal.expect("stopped", 10.0)
