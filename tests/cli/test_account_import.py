"""`qwenproxy account import`: what it imports from an older session folder, and what it prints."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from cli_runner import new_token, run_here

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder


@pytest.fixture
def older_folder(tmp_path: Path) -> Path:
    """Return a session folder as the older project wrote it, inside its checkout."""
    folder = tmp_path / "older" / "session"
    (folder / "accounts" / "acc_1").mkdir(parents=True)
    (folder / "accounts" / "acc_1" / "token.txt").write_text(new_token("old"))
    entry = {"id": "acc_1", "token": new_token("old"), "resetAt": None}
    (folder / "tokens.json").write_text(json.dumps([entry]))
    return folder


@pytest.mark.parametrize("place", ["session", "checkout"])
def test_import_takes_accounts_over_once(session: Path, older_folder: Path, place: str) -> None:
    source = older_folder if place == "session" else older_folder.parent
    before = {path: path.read_bytes() for path in older_folder.rglob("*") if path.is_file()}
    first = run_here("account", "import", str(source))
    assert first.status == 0
    assert "acc_1" in first.output
    again = run_here("account", "import", str(source))
    assert (again.status, "acc_1" in again.output) == (0, False)
    assert [(one.id, one.token) for one in Registry.open(SessionFolder(session)).all()] == [("acc_1", new_token("old"))]
    assert {path: path.read_bytes() for path in older_folder.rglob("*") if path.is_file()} == before


def test_import_says_which_accounts_need_a_login_and_which_have_none(session: Path, tmp_path: Path) -> None:
    records = [
        {"id": "good", "token": new_token("good")},
        {"id": "odd", "token": "no-jwt"},
        {"id": "blank", "token": " "},
    ]
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "tokens.json").write_text(json.dumps(records))
    ended = run_here("account", "import", str(tmp_path / "older"))
    assert ended.stdout.splitlines() == [
        "Imported: good",
        "Imported: odd. It needs a new login: qwenproxy account relogin odd",
        "Imported accounts: 2.",
        "Imported chats: 0; already here: 0.",
    ]
    assert "no token: blank" in ended.output
    assert [one.status(time.time()) for one in Registry.open(SessionFolder(session)).all()] == ["OK", "INVALID"]
    elsewhere = run_here("account", "import", str(tmp_path / "older"), "--session-dir", str(tmp_path / "b"))
    assert f'login: qwenproxy account --session-dir "{tmp_path / "b"}" relogin odd\n' in elsewhere.stdout


def test_import_counts_chats_and_names_what_is_none(session: Path, older_folder: Path) -> None:
    history = older_folder / "history"
    history.mkdir()
    for name in ("one", "two"):
        (history / f"{name}.json").write_text('[{"role": "user", "content": "Hello"}]')
    (history / "bad.json").write_text("{")
    first = run_here("account", "import", str(older_folder))
    assert "Imported chats: 2; already here: 0." in first.stdout
    assert "copied unchanged: bad.json" in first.output
    (history / "three.json").write_text("[]")
    (history / "worse.json").write_text("[")
    again = run_here("account", "import", str(older_folder))
    assert again.stdout.splitlines() == ["There is no new account there.", "Imported chats: 1; already here: 2."]
    assert again.output.splitlines()[-1].endswith("copied unchanged: worse.json")
    assert "Unreadable" not in run_here("account", "import", str(older_folder)).output
    assert sorted(one.name for one in (session / "history").glob("*.json")) == [
        "bad.json",
        "one.json",
        "three.json",
        "two.json",
        "worse.json",
    ]


def test_import_of_something_else_says_so(session: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run_here("account", "import", str(tmp_path / "empty")).status == 1
    assert run_here("account", "import", str(tmp_path / "missing")).status == 2
