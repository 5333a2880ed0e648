"""The menu of `qwenproxy start`, on a real pseudo-terminal."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_runner import CHECKOUT, Terminal, clean_environment, new_token

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")

PROMPT = "Your choice (Ctrl-C quits) [3]: "


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return tmp_path / "session"


@pytest.fixture
def environment(session: Path) -> dict[str, str]:
    """Return settings with which a server starts on a free port, and every browser start fails at once."""
    return clean_environment(
        session,
        QWENPROXY_PORT="0",
        QWENPROXY_DRIVER="plain",
        QWENPROXY_CHROME="/bin/false",
        QWENPROXY_CHROMEDRIVER="/bin/false",
        QWENPROXY_ADMIN="0",  # else a login without a screen waits for the dashboard's page
    )


@pytest.fixture
def registry(session: Path) -> Registry:
    """Return a registry with one account of each status."""
    registry = Registry.open(SessionFolder(session))
    registry.add(new_token("a"), "acc_1752745840684")
    registry.add(new_token("b"), "limited")
    registry.add(new_token("c"), "acc_1752745890062")
    registry.rest("limited", time.time() + 3600)
    registry.mark_invalid("acc_1752745890062")
    return registry


def test_the_menu_shows_accounts_and_entries_and_starts_by_default(
    registry: Registry, environment: dict[str, str]
) -> None:
    with Terminal(["start"], environment) as terminal:
        screen = terminal.expect(PROMPT)
        terminal.type("\n")
        terminal.expect("qwenproxy listens on http://127.0.0.1:")
        terminal.expect("no browser opened yet")
        terminal.type("\x03")
        assert terminal.end() == 0
    lines = [line.rstrip() for line in screen.splitlines() if line.strip()]
    assert lines[0] == "Accounts:"
    assert lines[1] == " N | ID                | status"
    assert lines[2] == " 1 | acc_1752745840684 | ✅ OK"
    assert lines[3].startswith(" 2 | limited           | ⏳ WAIT (until 2")
    assert lines[4] == " 3 | acc_1752745890062 | ❌ INVALID"
    assert [line[:4] for line in lines[6:10]] == ["1 - ", "2 - ", "3 - ", "4 - "]
    assert "(default)" in lines[8]


def test_without_a_command_it_is_the_same_menu(registry: Registry, environment: dict[str, str]) -> None:
    with Terminal([], environment) as terminal:
        terminal.expect(PROMPT)
        terminal.type("\x03")
        terminal.expect("Stopped.")
        assert terminal.end() == 0


def test_start_needs_a_usable_account(session: Path, environment: dict[str, str]) -> None:
    registry = Registry.open(SessionFolder(session))
    registry.add(new_token(), "refused")
    registry.mark_invalid("refused")
    with Terminal(["start"], environment) as terminal:
        terminal.expect(PROMPT)
        terminal.type("3\n")
        terminal.expect("No account is usable")
        terminal.expect(PROMPT)
        registry.mark_ok("refused")  # as a command in another terminal may do
        terminal.type("3\n")
        terminal.expect("qwenproxy listens on")


def test_an_account_on_rest_is_enough_to_start(session: Path, environment: dict[str, str]) -> None:
    registry = Registry.open(SessionFolder(session))
    registry.add(new_token(), "limited")
    registry.rest("limited", time.time() + 3600)
    with Terminal(["start"], environment) as terminal:
        terminal.expect(PROMPT)
        terminal.type("3\n")
        terminal.expect("qwenproxy listens on")


def test_adding_without_a_display_says_why_and_returns_to_the_menu(session: Path, environment: dict[str, str]) -> None:
    with Terminal(["start"], environment) as terminal:
        terminal.expect("There is no account yet.")
        terminal.expect(PROMPT)
        terminal.type("1\n")
        terminal.expect("DISPLAY")
        terminal.expect("(ENTER alone: back): ")
        terminal.type("\n")
        terminal.expect("No account was added.")
        terminal.expect(PROMPT)
    assert Registry.open(SessionFolder(session)).all() == ()


def test_relogin_offers_the_one_that_needs_it(registry: Registry, environment: dict[str, str]) -> None:
    with Terminal(["start"], environment) as terminal:
        terminal.expect(PROMPT)
        terminal.type("2\n")
        terminal.expect("[acc_1752745890062]: ")
        terminal.type("limtied\n")
        terminal.expect('Did you mean "limited"?')
        terminal.type("\n")
        terminal.expect("(ENTER alone: back): ")
        terminal.type("\n")
        terminal.expect("Account acc_1752745890062 is as it was.")
        terminal.expect(PROMPT)
        terminal.type("2\n")
        terminal.expect("[acc_1752745890062]: ")
        terminal.type("0\n")
        terminal.expect(PROMPT)


def test_remove_asks_first(registry: Registry, environment: dict[str, str]) -> None:
    with Terminal(["start"], environment) as terminal:
        for answer in ("n", "", "yes"):
            terminal.expect(PROMPT)
            terminal.type("4\n")
            terminal.expect("0 for none")
            terminal.type("2\n")
            terminal.expect("Delete account limited")
            assert registry.get("limited") is not None
            terminal.type(f"{answer}\n")
        terminal.expect("Account limited is removed.")
        terminal.expect(PROMPT)
        terminal.type("4\n")
        terminal.expect("0 for none")
        terminal.type("\n")
        terminal.expect(PROMPT)
    assert [account.id for account in registry.all()] == ["acc_1752745840684", "acc_1752745890062"]


@pytest.mark.parametrize("entry", ["2", "4"])
def test_without_accounts_there_is_nothing_to_choose(session: Path, environment: dict[str, str], entry: str) -> None:
    with Terminal(["start"], environment) as terminal:
        terminal.expect(PROMPT)
        terminal.type(f"{entry}\n")
        terminal.expect("There is no account yet.")
        terminal.expect(PROMPT)


def test_an_unknown_choice_shows_the_menu_again(registry: Registry, environment: dict[str, str]) -> None:
    with Terminal(["start"], environment) as terminal:
        terminal.expect(PROMPT)
        terminal.type("7\n")
        terminal.expect('"7" is not on the menu')
        terminal.expect(PROMPT)


def test_the_menu_speaks_russian(registry: Registry, environment: dict[str, str]) -> None:
    with Terminal(["start"], {**environment, "QWENPROXY_LANG": "ru"}) as terminal:
        screen = terminal.expect("[3]: ")
    assert "Аккаунты:" in screen
    assert "=== Меню ===" in screen
    assert "Запустить прокси (по умолчанию)" in screen


@pytest.mark.parametrize("name", ["QWENPROXY_NO_MENU", "SKIP_ACCOUNT_MENU", "NON_INTERACTIVE"])
def test_no_menu_where_a_setting_says_so(session: Path, environment: dict[str, str], name: str) -> None:
    with Terminal(["start"], {**environment, name: "1"}) as terminal:
        assert terminal.end() == 3
    assert "qwenproxy account add" in terminal.text
    assert "Menu" not in terminal.text


def test_no_menu_without_a_terminal(session: Path, environment: dict[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "qwenproxy", "start"],
        env=environment,
        cwd=CHECKOUT,
        input="1\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 3
    assert "qwenproxy account add" in ended.stderr
    assert "Menu" not in ended.stdout


def test_relogin_on_a_terminal_lets_choose_among_several(registry: Registry, environment: dict[str, str]) -> None:
    registry.mark_invalid("limited")
    with Terminal(["account", "relogin"], environment) as terminal:
        terminal.expect("[limited]: ")
        terminal.type("acc_1752745890062\n")
        terminal.expect("Account acc_1752745890062 is as it was.")
        assert terminal.end() == 1


def test_a_token_in_the_menu_never_shows(registry: Registry, environment: dict[str, str]) -> None:
    with Terminal(["start"], environment) as terminal:
        terminal.expect(PROMPT)
        terminal.type("3\n")
        terminal.expect("no browser opened yet")
        terminal.type("\x03")
        terminal.end()
    assert "eyJ" not in terminal.text
