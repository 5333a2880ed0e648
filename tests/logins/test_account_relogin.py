"""`qwenproxy account relogin` without a screen, and for an account of which the site wants to see a human."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cli_runner import Terminal, clean_environment, new_token, run_here
from session_files import account_of
from spelling import spelled

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder

EARLIER, LATER = 3_000_000_000, 4_000_000_000


@pytest.fixture
def session(session: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return that folder, for commands without a screen."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QWENPROXY_ADMIN", "0")  # else they wait for a login on the dashboard's page
    return session


@pytest.fixture
def registry(session: Path) -> Registry:
    """Return a registry in which ann is logged out, and ben is not."""
    registry = Registry.open(SessionFolder(session))
    registry.add(new_token("ann", EARLIER), "hers")
    registry.add(new_token("ben", EARLIER), "his")
    registry.mark_invalid("hers")
    return registry


@pytest.mark.parametrize("named", [["hers"], []], ids=spelled)
@pytest.mark.parametrize("piped", [True, False])
def test_a_token_renews_an_account_without_a_window(registry: Registry, named: list[str], piped: bool) -> None:
    token = new_token("ann", LATER)
    ended = run_here(
        "account", "relogin", *named, "--token", "-" if piped else token, text=f"{token}\n" if piped else ""
    )
    assert ended.status == 0, ended.output
    account = account_of(registry, "hers")
    assert (account.token, account.status(time.time())) == (token, "OK")
    assert registry.folder("hers").token.read_text() == token
    assert "qwenproxy account check hers" in ended.output
    assert token not in ended.output


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("nonsense", "not a login token"),
        ("", "not a login token"),
        (new_token("ann", 1_000_000_000), "expired at 2001-09-09"),
        (new_token("ann", EARLIER), "hers already has this token"),
        (new_token("ben", LATER), "qwenproxy account relogin his"),
        (new_token("carl", LATER), "qwenproxy account add"),
    ],
    ids=spelled,
)
def test_a_token_that_is_not_a_new_login_of_the_account_changes_nothing(
    registry: Registry, token: str, words: str
) -> None:
    before = (registry.all(), registry.folder("hers").token.read_text())
    ended = run_here("account", "relogin", "hers", "--token", token)
    assert ended.status == 1
    assert words in ended.output
    assert (registry.all(), registry.folder("hers").token.read_text()) == before


@pytest.mark.parametrize(("needy", "named"), [((), "hers, his"), (("hers", "his"), "hers, his")], ids=spelled)
def test_a_token_needs_an_id_unless_one_account_waits_for_it(
    registry: Registry, needy: tuple[str, ...], named: str
) -> None:
    registry.mark_ok("hers")
    for account_id in needy:
        registry.mark_invalid(account_id)
    before = registry.all()
    ended = run_here("account", "relogin", "--token", new_token("ann", LATER))
    assert (ended.status, named in ended.output) == (2, True)
    assert registry.all() == before


def test_a_token_for_no_account_at_all(session: Path) -> None:
    ended = run_here("account", "relogin", "--token", new_token())
    assert (ended.status, "qwenproxy account add" in ended.output) == (3, True)


def test_a_mistyped_id_suggests_the_right_one(registry: Registry) -> None:
    ended = run_here("account", "relogin", "herz", "--token", new_token("ann", LATER))
    assert (ended.status, 'Did you mean "hers"?' in ended.output) == (1, True)


# no screen


def test_without_a_screen_each_command_names_its_own_way_on(registry: Registry) -> None:
    adding = run_here("account", "add")
    assert adding.status == 1
    assert "qwenproxy account add --token -" in adding.output
    assert "relogin" not in adding.output
    again = run_here("account", "relogin", "hers")
    assert again.status == 1
    assert "qwenproxy account relogin hers --token -" in again.output
    assert "account add" not in again.output


def test_the_menu_takes_a_token_where_no_window_can_open(registry: Registry, session: Path) -> None:
    with Terminal(["start"], clean_environment(session, QWENPROXY_ADMIN="0")) as terminal:
        terminal.expect("[3]: ")
        terminal.type("2\n")
        terminal.expect("[hers]: ")
        terminal.type("\n")
        terminal.expect("no screen to open a window on")
        terminal.expect("(ENTER alone: back): ")
        terminal.type(f"{new_token('ann', LATER)}\n")
        terminal.expect("Account hers has a new token.")
        terminal.expect("[3]: ")
        terminal.type("1\n")
        terminal.expect("(ENTER alone: back): ")
        terminal.type(f"{new_token('cem', LATER)}\n")
        terminal.expect("is registered")
        terminal.expect("[3]: ")
        terminal.type("\x03")
        terminal.expect("Stopped.")
        assert terminal.end() == 0
    assert "eyJ" not in terminal.text
    accounts = Registry.open(SessionFolder(session)).all()
    assert [one.token for one in accounts] == [
        new_token("ann", LATER),
        new_token("ben", EARLIER),
        new_token("cem", LATER),
    ]
    assert accounts[0].status(time.time()) == "OK"


@pytest.mark.parametrize("command", ["add", "relogin"])
def test_a_token_typed_at_the_terminal_is_asked_for_and_never_shown(
    registry: Registry, session: Path, command: str
) -> None:
    with Terminal(["account", command, "--token", "-"], clean_environment(session)) as terminal:
        terminal.expect("Login token (it stays hidden): ")
        terminal.type(f"{new_token('ann' if command == 'relogin' else 'cem', LATER)}\n")
        terminal.expect("To see whether the site accepts it")
        assert terminal.end() == 0
    assert "eyJ" not in terminal.text
    assert LATER in [one.expires_at for one in Registry.open(SessionFolder(session)).all()]


def test_a_question_for_a_token_ends_with_ctrl_c(registry: Registry, session: Path) -> None:
    with Terminal(["account", "add", "--token", "-"], clean_environment(session)) as terminal:
        terminal.expect("hidden): ")
        terminal.type("\x03")
        terminal.expect("Stopped.")
        assert terminal.end() == 1
    assert len(Registry.open(SessionFolder(session)).all()) == 2
