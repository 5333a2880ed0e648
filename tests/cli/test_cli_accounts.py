"""`qwenproxy account` without a browser: what the commands do to the session folder, and what they print."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from cli_runner import Terminal, clean_environment, new_token, run_here
from session_files import account_of
from spelling import spelled

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.files import write_atomic
from qwenproxy.disk.folder import SessionFolder

HOUR = 3600.0


@pytest.fixture
def session(session: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the session folder; the environment names no menu setting and no display."""
    for name in ("SKIP_ACCOUNT_MENU", "NON_INTERACTIVE", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QWENPROXY_ADMIN", "0")  # else the commands wait for a login on the dashboard's page
    return session


@pytest.fixture
def accounts(session: Path) -> Registry:
    """Return a registry with an account in each state."""
    registry = Registry.open(SessionFolder(session))
    for name in ("good", "limited", "verify", "expired", "refused"):
        registry.add(new_token(name, 1_000_000_000 if name == "expired" else 4_000_000_000), name)
    registry.rest("limited", time.time() + HOUR)
    registry.rest("verify", time.time() + HOUR, reason="verification")
    registry.mark_invalid("refused")
    return registry


# the stand-in's folder


@pytest.mark.parametrize("command", ["add", "relogin good", "check good", "settings good"])
def test_the_stand_ins_accounts_are_not_taken_to_the_site(
    session: Path, accounts: Registry, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWENPROXY_ADMIN", "1")
    write_atomic(SessionFolder(session).sandbox_mark, b"")
    ended = run_here("account", *command.split())
    assert ended.status
    assert "those of the stand-in" in ended.output
    assert "qwenproxy start --sandbox" in ended.output
    assert account_of(accounts, "good").status(time.time()) == "OK"


# add


def test_a_token_registers_an_account_without_a_window(session: Path) -> None:
    ended = run_here("account", "add", "--token", new_token(), "--id", "mine")
    assert (ended.status, account_of(Registry.open(SessionFolder(session)), "mine").token) == (0, new_token())
    assert "account check mine" in ended.output
    assert new_token() not in ended.output


def test_a_token_may_come_from_standard_input(session: Path) -> None:
    assert run_here("account", "add", "--token", "-", text=new_token() + "\n").status == 0
    (account,) = Registry.open(SessionFolder(session)).all()
    assert (account.token, account.id[:4]) == (new_token(), "acc_")


COPIED = [
    "  {}\n",
    "Bearer {}",
    "bearer  {}",
    "Authorization: Bearer {}",
    '"{}"',
    "'Bearer {}'",
    "token={}",
    "Cookie: token={}; other=1",
    '"token": "{}",',
    "token = '{}'",
    "\ufeff{}",
]


@pytest.mark.parametrize("written", COPIED)
def test_a_token_is_found_in_what_people_copy(session: Path, written: str) -> None:
    assert run_here("account", "add", "--token", written.format(new_token()), "--id", "mine").status == 0
    assert account_of(Registry.open(SessionFolder(session)), "mine").token == new_token()
    renewed = new_token(expires_at=4_100_000_000)
    assert run_here("account", "relogin", "mine", "--token", "-", text=written.format(renewed)).status == 0
    assert account_of(Registry.open(SessionFolder(session)), "mine").token == renewed


def test_a_token_cut_into_lines_is_one(session: Path) -> None:
    lines = "\r\n".join(new_token()[at : at + 30] for at in range(0, len(new_token()), 30))
    assert run_here("account", "add", "--token", "-", "--id", "mine", text=f"Bearer\n{lines}\n").status == 0
    assert account_of(Registry.open(SessionFolder(session)), "mine").token == new_token()


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("nonsense", "not a login token"),
        ("a.b", "not a login token"),
        ("a.!!!.c", "not a login token"),
        ("", "not a login token"),
        (new_token(expires_at=1_000_000_000), "expired at 2001-09-09"),
    ],
    ids=spelled,
)
def test_what_is_not_a_live_token_is_refused(session: Path, token: str, words: str) -> None:
    ended = run_here("account", "add", "--token", token)
    assert ended.status == 1
    assert words in ended.output
    assert not session.exists()


def test_a_token_of_another_account_names_that_account(session: Path, accounts: Registry) -> None:
    ended = run_here("account", "add", "--token", new_token("good"))
    assert ended.status == 1
    assert "good already has this token" in ended.output
    assert len(accounts.all()) == 5


@pytest.mark.parametrize("account_id", ["good", "GOOD", "../up", "a/b", "x" * 129, ".hidden"], ids=spelled)
def test_a_taken_or_invalid_id_is_refused(session: Path, accounts: Registry, account_id: str) -> None:
    before = (session / "tokens.json").read_bytes()
    assert run_here("account", "add", "--token", new_token("other"), "--id", account_id).status == 1
    assert (session / "tokens.json").read_bytes() == before


def test_without_a_display_add_names_the_other_ways(session: Path) -> None:
    ended = run_here("account", "add")
    assert ended.status == 1
    assert "--token" in ended.output
    assert "import" in ended.output
    assert "No account was added" in ended.output
    assert not session.exists()


# list


def test_list_shows_every_state(accounts: Registry) -> None:
    lines = run_here("account", "list").stdout.splitlines()
    assert [part.strip() for part in lines[0].split("|")] == ["N", "ID", "status"]
    states = {line.split("|")[1].strip(): line.split("|")[2].strip() for line in lines[1:]}
    assert states["good"] == "✅ OK"
    assert states["limited"].startswith("⏳ WAIT (until 2")
    assert "see a human" in states["verify"]
    assert states["expired"] == states["refused"] == "❌ INVALID"


def test_list_as_json_has_no_token(accounts: Registry) -> None:
    text = run_here("account", "list", "--json").stdout
    accounts_by_id = {one["id"]: one for one in json.loads(text)}
    assert {name: one["status"] for name, one in accounts_by_id.items()} == {
        "good": "OK",
        "limited": "WAIT",
        "verify": "WAIT",
        "expired": "INVALID",
        "refused": "INVALID",
    }
    assert accounts_by_id["good"]["resetAt"] is None
    assert accounts_by_id["limited"]["resetAt"].endswith("Z")
    assert accounts_by_id["verify"]["reason"] == "verification"
    assert "eyJ" not in text


def test_list_without_accounts_names_the_next_step(session: Path) -> None:
    ended = run_here("account", "list")
    assert (ended.status, "qwenproxy account add" in ended.output) == (0, True)
    assert json.loads(run_here("account", "list", "--json").stdout) == []


def test_list_needs_no_lock(accounts: Registry, session: Path) -> None:
    (session / ".tokens.json.lock").unlink(missing_ok=True)
    (session / ".tokens.json.lock").mkdir()  # nobody can take this lock, not even root
    ended = run_here("account", "list")
    assert (ended.status, ended.output.count("|")) == (0, 12)


def test_the_session_folder_may_be_named_on_the_command_line(session: Path, tmp_path: Path) -> None:
    assert run_here("account", "--session-dir", str(tmp_path / "b"), "add", "--token", new_token()).status == 0
    assert len(Registry.open(SessionFolder(tmp_path / "b")).all()) == 1
    assert not session.exists()


@pytest.mark.parametrize(
    "args",
    [
        ["account", "list", "--session-dir", "{b}"],
        ["account", "--session-dir", "{a}", "list", "--session-dir", "{b}"],
        ["account", "remove", "there", "-y", "--session-dir", "{b}"],
        ["account", "relogin", "there", "--session-dir={b}", "--token", new_token("there", 4_100_000_000)],
    ],
    ids=" ".join,
)
def test_the_session_folder_may_be_named_behind_the_command_too(session: Path, tmp_path: Path, args: list[str]) -> None:
    Registry.open(SessionFolder(tmp_path / "b")).add(new_token("there"), "there")
    ended = run_here(*(arg.format(a=tmp_path / "a", b=tmp_path / "b") for arg in args))
    assert (ended.status, "there" in ended.output) == (0, True)
    assert not session.exists()


@pytest.mark.parametrize(
    ("args", "command"),
    [
        (["add", "--token", new_token(), "--id", "new"], "check new"),
        (["relogin", "there", "--token", new_token("there", 4_100_000_000)], "check there"),
        (["relogin", "zzz"], "list"),
        (["remove", "zzz"], "list"),
        (["check", "zzz"], "list"),
        (["add"], "add --token - (it asks"),
        (["add"], "import FILE."),
        (["relogin", "there"], "relogin there --token - (it asks"),
    ],
    ids=spelled,
)
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_command_in_a_message_uses_the_same_folder(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], command: str, lang: str
) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", lang)
    folder = tmp_path / "my folder"
    Registry.open(SessionFolder(folder)).add(new_token("there"), "there")
    ended = run_here("account", *args, "--session-dir", str(folder))
    rest = command if lang == "en" else command.replace("(it asks", "(она спросит").removesuffix(".")
    assert f'qwenproxy account --session-dir "{folder}" {rest}' in ended.output
    assert not session.exists()


# names


@pytest.mark.parametrize("args", [["remove", "zzz", "-y"], ["remove", "../up", "-y"], ["relogin", "zzz"]], ids=spelled)
def test_an_unknown_id_makes_no_session_folder(session: Path, args: list[str]) -> None:
    ended = run_here("account", *args)
    assert (ended.status, "There is no account" in ended.output) == (1, True)
    assert not session.exists()


def test_an_invalid_id_or_token_makes_no_session_folder(session: Path) -> None:
    assert run_here("account", "add", "--token", new_token(), "--id", "a/b").status == 1
    assert run_here("account", "add", "--token", "-", "--id", "mine", text="nonsense\n").status == 1
    assert not session.exists()


@pytest.mark.parametrize("command", ["relogin", "remove", "check"])
def test_a_mistyped_id_suggests_the_right_one(accounts: Registry, command: str) -> None:
    ended = run_here("account", command, "limitde")
    assert ended.status == 1
    assert 'Did you mean "limited"?' in ended.output


@pytest.mark.parametrize("command", ["relogin", "remove", "check"])
def test_an_id_like_no_other_points_to_the_list(accounts: Registry, command: str) -> None:
    ended = run_here("account", command, "zzz")
    assert ended.status == 1
    assert "qwenproxy account list" in ended.output


@pytest.mark.parametrize(
    ("args", "close"),
    [(["acount", "list"], "account"), (["account", "lst"], "list"), (["keys", "ad"], "add"), (["docter"], "doctor")],
    ids=spelled,
)
def test_a_mistyped_command_suggests_the_right_one(session: Path, args: list[str], close: str) -> None:
    ended = run_here(*args)
    assert ended.status == 2
    assert f'Did you mean "{close}"?' in ended.output


@pytest.mark.parametrize("command", ["relogin", "check"])
def test_without_accounts_a_command_names_the_one_that_adds_one(session: Path, command: str) -> None:
    ended = run_here("account", command)
    assert (ended.status, "qwenproxy account add" in ended.output) == (3, True)


def test_relogin_without_id_has_nothing_to_do_when_all_are_logged_in(session: Path) -> None:
    Registry.open(SessionFolder(session)).add(new_token(), "good")
    ended = run_here("account", "relogin")
    assert (ended.status, "logged in" in ended.output) == (0, True)


def test_relogin_without_a_terminal_takes_the_first_that_needs_it(accounts: Registry) -> None:
    ended = run_here("account", "relogin")
    assert ended.status == 1
    assert "Account verify is as it was" in ended.output


# remove


def test_remove_deletes_the_account_and_its_folder(accounts: Registry, session: Path) -> None:
    assert run_here("account", "remove", "good", "--yes").status == 0
    assert accounts.get("good") is None
    assert not (session / "accounts" / "good").exists()
    assert len(accounts.all()) == 4


def test_remove_without_a_terminal_needs_yes(accounts: Registry) -> None:
    ended = run_here("account", "remove", "good", text="y\n")
    assert (ended.status, "--yes" in ended.output) == (2, True)
    assert accounts.get("good") is not None


def test_remove_deletes_the_folder_of_an_unfinished_login(session: Path) -> None:
    account_id = Registry.open(SessionFolder(session)).new_id()
    assert run_here("account", "remove", account_id, "--yes").status == 0
    assert not (session / "accounts" / account_id).exists()


@pytest.mark.parametrize(("answer", "stays"), [("y", False), ("д", False), ("n", True), ("", True)])
def test_remove_asks_on_a_terminal(accounts: Registry, session: Path, answer: str, stays: bool) -> None:
    with Terminal(["account", "remove", "good"], clean_environment(session)) as terminal:
        terminal.expect("Delete account good")
        terminal.type(f"{answer}\n")
        assert terminal.end() == 0
    assert (accounts.get("good") is not None) == stays


# language and settings


def test_messages_are_russian_where_the_setting_says_so(accounts: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", "ru")
    assert "статус" in run_here("account", "list").output
    assert "Возможно, имелся в виду «limited»?" in run_here("account", "check", "limitde").output
    assert "Нет экрана, чтобы открыть окно" in run_here("account", "add").output


def test_a_bad_setting_is_a_usage_error(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_PROT", "1")
    ended = run_here("account", "list")
    assert (ended.status, "QWENPROXY_PORT" in ended.output) == (2, True)


def test_an_encoding_without_emoji_shows_question_marks(accounts: Registry, session: Path) -> None:
    environment = clean_environment(session, PYTHONIOENCODING="latin-1")
    with Terminal(["account", "list"], environment) as terminal:
        assert terminal.end() == 0
    assert "? OK" in terminal.text
