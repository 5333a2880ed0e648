"""`qwenproxy keys`: what it does to the key file, what it shows, and what it keeps to itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runner import run_here

from qwenproxy.access.keys import KeyFile
from qwenproxy.disk.claim import claimed_session
from qwenproxy.disk.folder import SessionFolder


def test_a_new_key_alone_goes_to_standard_output(session: Path) -> None:
    ended = run_here("keys", "add")
    (key,) = KeyFile.open(session / "Authorization.txt").keys()
    assert (ended.status, ended.stdout) == (0, f"{key}\n")
    assert "every client" in ended.output
    assert str(session / "Authorization.txt") in ended.output


def test_keys_are_listed_masked_unless_shown(session: Path) -> None:
    key = run_here("keys", "add").stdout.strip()
    masked = run_here("keys", "list")
    assert (masked.status, masked.stdout.count("\n"), key in masked.output) == (0, 1, False)
    assert run_here("keys", "list", "--show").stdout == f"{key}\n"


def test_listing_keys_writes_nothing(session: Path) -> None:
    assert run_here("keys", "list").status == 0
    assert not session.exists()
    key = run_here("keys", "add").stdout
    (session / ".Authorization.txt.lock").unlink(missing_ok=True)
    (session / ".Authorization.txt.lock").mkdir()  # nobody can take this lock, not even root
    ended = run_here("keys", "list", "--show")
    assert (ended.status, ended.stdout) == (0, key)
    assert run_here("keys", "add").status == 1


def test_a_key_of_ones_own_is_not_repeated(session: Path) -> None:
    ended = run_here("keys", "add", "my-secret-key-of-many-letters")
    assert ended.status == 0
    assert "my-secret-key-of-many-letters" not in ended.output
    assert KeyFile.open(session / "Authorization.txt").keys() == ("my-secret-key-of-many-letters",)
    assert "already" in run_here("keys", "add", "my-secret-key-of-many-letters").output


def test_an_invalid_key_is_refused(session: Path) -> None:
    assert run_here("keys", "add", "two words").status == 1
    assert run_here("keys", "add", "# comment").status == 1
    assert KeyFile.open(session / "Authorization.txt").keys() == ()


def test_keys_are_removed_in_full_or_as_the_list_shows_them(session: Path) -> None:
    first, second = (run_here("keys", "add").stdout.strip() for _ in range(2))
    lines = run_here("keys", "list").stdout.splitlines()
    assert run_here("keys", "remove", first).status == 0
    last = run_here("keys", "remove", lines[1])
    assert (last.status, second in last.output) == (0, False)
    assert run_here("keys", "remove", first).status == 1
    for ended in (last, run_here("keys", "list")):
        assert "only this machine can reach accepts everybody" in ended.output
        assert "other machines can reach accepts nobody, unless it was started with --insecure" in ended.output


def test_with_a_key_left_there_is_no_warning_of_having_none(session: Path) -> None:
    first, _ = (run_here("keys", "add").stdout.strip() for _ in range(2))
    for words in (["remove", first], ["list"]):
        assert "everybody" not in run_here("keys", *words).output


def test_removing_an_unknown_key_makes_no_session_folder(session: Path) -> None:
    ended = run_here("keys", "remove", "nowhere")
    assert (ended.status, "There is no such key" in ended.output) == (1, True)
    assert not session.exists()


def test_a_masked_key_that_matches_two_removes_none(session: Path) -> None:
    keys = ["aaaaaa-one-of-many-letters-zzz", "aaaaaa-two-of-many-letters-zzz"]
    for key in keys:
        run_here("keys", "add", key)
    assert run_here("keys", "remove", "aaaaaa...zzz").status == 1
    assert KeyFile.open(session / "Authorization.txt").keys() == tuple(keys)


@pytest.mark.parametrize(("key", "warned"), [("a", True), ("1234567", True), ("12345678", False)])
def test_a_key_that_can_be_guessed_is_accepted_with_a_warning(session: Path, key: str, warned: bool) -> None:
    ended = run_here("keys", "add", key)
    assert (ended.status, "can be guessed" in ended.output) == (0, warned)
    assert KeyFile.open(session / "Authorization.txt").check(key)
    assert key not in run_here("keys", "list").stdout


def test_short_keys_are_told_apart_and_removed_as_the_list_shows_them(session: Path) -> None:
    for key in ("x", "abc", "abcdefg", "bcdefgh", "abcdefghij"):
        run_here("keys", "add", key)
    lines = run_here("keys", "list").stdout.splitlines()
    assert lines == ["...+1", "...+3", "a...+6", "b...+6", "ab...+8"]
    assert run_here("keys", "remove", "b...+6").status == 0
    assert KeyFile.open(session / "Authorization.txt").keys() == ("x", "abc", "abcdefg", "abcdefghij")


def test_a_generated_key_is_long(session: Path) -> None:
    assert "guessed" not in run_here("keys", "add").output


def test_the_session_folder_may_be_named_behind_the_command(session: Path, tmp_path: Path) -> None:
    key = run_here("keys", "add", "--session-dir", str(tmp_path / "b")).stdout.strip()
    assert KeyFile.open(tmp_path / "b" / "Authorization.txt").keys() == (key,)
    short = run_here("keys", "add", "abc", "--session-dir", str(tmp_path / "b"))
    assert f'qwenproxy keys --session-dir "{tmp_path / "b"}" add makes a long one' in short.output
    assert not session.exists()


def test_beside_a_sandbox_they_say_whose_keys_these_are(session: Path) -> None:
    key = run_here("keys", "add").stdout.strip()
    hint = f"--session-dir {session / 'sandbox'}"
    with claimed_session(SessionFolder(session / "sandbox")):
        for words in (["list"], ["add"], ["remove", key]):
            assert hint in run_here("keys", *words).output
        assert hint in run_here("account", "list").output
        assert hint not in run_here("keys", "list", "--session-dir", str(session / "sandbox")).output
        with claimed_session(SessionFolder(session)):
            assert hint not in run_here("keys", "list").output
    assert hint not in run_here("keys", "list").output
