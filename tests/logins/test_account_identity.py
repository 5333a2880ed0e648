"""Whose login it is: an account keeps its person, and a person has one account, however a login comes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import login_window
import pytest
from cli_runner import new_token, run_here
from clocks import FakeClock
from login_window import SIGN_IN, STRANGE, Script, View
from session_files import account_of

from qwenproxy.accounts.account import Account, OtherUser, UserKnown
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.tokens import token_user
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.logins.importing import import_accounts
from qwenproxy.logins.window import LoginWindow, add_account, renew_account

EARLIER, LATER = 3_000_000_000, 4_000_000_000

LogIn = Callable[[str, object], Script]


def profile_of(user_id: str) -> list[object]:
    """Return the site's answer about who is logged in."""
    return [200, {"content-type": "application/json"}, json.dumps({"id": user_id, "role": "user"})]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry in which ann is logged out and ben is not."""
    registry = Registry.open(SessionFolder(tmp_path / "session"))
    registry.add(new_token("ann", EARLIER), "hers")
    registry.add(new_token("ben", EARLIER), "his")
    registry.mark_invalid("hers")
    return registry


@pytest.fixture
def window(clock: FakeClock) -> LoginWindow:
    return login_window.login_window(clock)


@pytest.fixture
def log_in(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> LogIn:
    """Return a function that lets somebody log in at a window with this token, of which the site says this."""
    return lambda token, answer: login_window.play(monkeypatch, clock, Script(SIGN_IN, View(token, answer=answer)))


@pytest.fixture
def session(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the session folder, which the commands of this process use, in English."""
    folder = registry.folder("x").path.parent.parent
    monkeypatch.setenv("QWENPROXY_SESSION_DIR", str(folder))
    monkeypatch.setenv("QWENPROXY_LANG", "en")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QWENPROXY_ADMIN", "0")  # else they wait for a login on the dashboard's page
    return folder


def snapshot(registry: Registry) -> list[object]:
    tokens = [registry.folder(one.id).token.read_text() for one in registry.all()]
    return [registry.all(), tokens, sorted(path.name for path in registry.folder("x").path.parent.iterdir())]


@pytest.mark.parametrize("token", ["t", "a.b.c", new_token(""), "a.eyJpZCI6NX0.c"])
def test_a_token_may_name_nobody(token: str) -> None:
    assert token_user(token) is None


def test_a_token_names_its_person() -> None:
    assert token_user(new_token("ann")) == Account("x", new_token("ann")).user_id == "ann"


# in a window


@pytest.mark.parametrize(
    ("token", "answer"),
    [
        (new_token("ben", LATER), profile_of("ben")),
        (new_token("ben", LATER), STRANGE),
        ("no.claims.here", profile_of("ben")),
    ],
    ids=["token", "token-alone", "profile-call"],
)
def test_a_relogin_as_somebody_else_changes_nothing(
    registry: Registry, window: LoginWindow, log_in: LogIn, token: str, answer: object
) -> None:
    before = snapshot(registry)
    registry.folder("hers").profile.mkdir()
    (registry.folder("hers").profile / "cookies").write_text("by now those of ben")
    registry.folder("hers").planted.write_text("the token of ann")
    with pytest.raises(OtherUser) as raised:
        renew_account(registry, window, log_in(token, answer), account_of(registry, "hers"))
    assert raised.value.other == "his"
    assert snapshot(registry) == before
    # the next browser of the account begins anew, with the account's own token
    assert not (registry.folder("hers").profile / "cookies").exists()
    assert registry.folder("hers").planted.read_text() != "the token of ann"


def test_a_relogin_as_the_same_person_counts(registry: Registry, window: LoginWindow, log_in: LogIn) -> None:
    script = log_in(new_token("ann", LATER), profile_of("ann"))
    renew_account(registry, window, script, account_of(registry, "hers"))
    assert registry.get("hers") == Account("hers", new_token("ann", LATER), renewable=True)


def test_a_token_that_names_nobody_is_believed(registry: Registry, window: LoginWindow, log_in: LogIn) -> None:
    registry.add("an older token", "older")
    script = log_in(new_token("carl"), profile_of("carl"))
    renew_account(registry, window, script, account_of(registry, "older"))
    assert account_of(registry, "older").token == new_token("carl")


@pytest.mark.parametrize("token", [new_token("ben", LATER), "no.claims.here"])
@pytest.mark.parametrize("account_id", [None, "mine"])
def test_a_person_who_has_an_account_is_not_added_again(
    registry: Registry, window: LoginWindow, log_in: LogIn, token: str, account_id: str | None
) -> None:
    before = snapshot(registry)
    with pytest.raises(UserKnown) as raised:
        add_account(registry, window, log_in(token, profile_of("ben")), account_id)
    assert raised.value.account_id == "his"
    assert snapshot(registry) == before


# by a token


def test_a_token_of_a_known_person_is_not_added(registry: Registry, session: Path) -> None:
    before = snapshot(registry)
    ended = run_here("account", "add", "--token", new_token("ben", LATER))
    assert ended.status == 1
    assert "qwenproxy account relogin his" in ended.output
    assert snapshot(registry) == before


# import


def test_import_does_not_bring_a_person_twice(registry: Registry, session: Path, tmp_path: Path) -> None:
    source = tmp_path / "older"
    source.mkdir()
    records = [
        {"id": "acc_1", "token": new_token("ben", LATER)},
        {"id": "acc_2", "token": new_token("carl", LATER), "invalid": True},
        {"id": "acc_3", "token": new_token("carl", EARLIER)},
        {"id": "acc_4", "token": new_token("dora", EARLIER)},
        {"id": "acc_5", "token": new_token("dora", LATER)},
        {"id": "acc_6", "token": "no claims"},
        {"id": "acc_7", "token": "none here"},
    ]
    (source / "tokens.json").write_text(json.dumps(records))
    assert import_accounts(registry, SessionFolder(session), SessionFolder(source)) == (
        "acc_3",
        "acc_5",
        "acc_6",
        "acc_7",
    )
    assert [one.id for one in registry.all()] == ["hers", "his", "acc_3", "acc_5", "acc_6", "acc_7"]
    assert import_accounts(registry, SessionFolder(session), SessionFolder(source)) == ()
