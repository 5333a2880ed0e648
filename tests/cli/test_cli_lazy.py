"""A command is imported when somebody calls it, and what it needs no browser and no server for starts without them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import CHECKOUT, clean_environment, commands_of
from spelling import spelled

from qwenproxy import cli
from qwenproxy.cli import account
from qwenproxy.cli.terminal.lazy import LazyGroup

GROUPS = {"qwenproxy": (cli.cli, cli.PLACES), "account": (account.account_group, account.PLACES)}
HEAVY = {"selenium", "undetected_chromedriver", "requests", "flask", "jsonschema", "gunicorn", "tiktoken", "psutil"}
# Runs the command line, then names what it imported.
LOADED = """
import json, sys
from qwenproxy.cli import main
try:
    main()
finally:
    print("\\n" + json.dumps(sorted(sys.modules)))
"""


def loaded_by(words: str, session: Path) -> set[str]:
    command = [sys.executable, "-c", LOADED, *words.split()]
    ended = subprocess.run(
        command, env=clean_environment(session), cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    return set(json.loads(ended.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", GROUPS)
def test_a_place_tells_what_its_command_is_called_and_how_its_help_begins(name: str) -> None:
    group, places = GROUPS[name]
    assert isinstance(group, LazyGroup)
    commands = commands_of(group)
    assert {name: command.name for name, command in commands.items()} == {name: name for name in places}
    assert {name: command.help for name, command in commands.items()} == {
        name: place.help for name, place in places.items()
    }


@pytest.mark.parametrize(
    "words", ["--version", "--help", "account --help", "config", "keys list", "account list"], ids=spelled
)
def test_what_needs_no_browser_loads_none(words: str, tmp_path: Path) -> None:
    loaded = loaded_by(words, tmp_path / "session")
    assert not loaded & HEAVY
    assert "qwenproxy.assembly" not in loaded


@pytest.mark.parametrize(("words", "group"), [("--help", "qwenproxy"), ("account --help", "account")], ids=spelled)
def test_a_list_of_commands_loads_none_of_them(words: str, group: str, tmp_path: Path) -> None:
    places = GROUPS[group][1]
    modules = {place.place.partition(":")[0] for place in places.values()}
    assert not loaded_by(words, tmp_path / "session") & modules


def test_a_command_loads_what_it_needs(tmp_path: Path) -> None:
    assert {"qwenproxy.assembly", "selenium"} <= loaded_by("doctor --help", tmp_path / "session")
