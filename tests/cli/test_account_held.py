"""Accounts whose browser a running server has open: what `account check` prints, and how they are removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_runner import Terminal, clean_environment, new_token, run_here

from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.profile import ProfileClaim, ProfileInUse, profile_owner
from qwenproxy.cli.account import check, remove
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.logins.removal import remove_account


@pytest.fixture
def registry(session: Path) -> Registry:
    registry = Registry.open(SessionFolder(session))
    registry.add(new_token("ann"), "mine")
    registry.add(new_token("ben"), "other")
    return registry


@pytest.fixture
def claim(registry: Registry) -> Iterator[ProfileClaim]:
    """Hold the profile of "mine", as a running server does."""
    claim = ProfileClaim.take(registry.folder("mine"))
    yield claim
    claim.release()


# check


@pytest.mark.parametrize(
    ("change", "status", "state"),
    [
        (lambda registry: None, 0, "OK"),
        (lambda registry: registry.rest("mine", time.time() + 600), 1, "WAIT"),
        (lambda registry: registry.mark_invalid("mine"), 1, "INVALID"),
    ],
    ids=["ok", "resting", "invalid"],
)
def test_check_says_what_is_on_record_of_an_account_that_is_held(
    registry: Registry,
    claim: ProfileClaim,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Registry], object],
    status: int,
    state: str,
) -> None:
    monkeypatch.setattr(check, "opener_for", lambda *_: lambda one: ProfileClaim.take(registry.folder(one.id)))
    change(registry)
    before = registry.all()
    ended = run_here("account", "check", "mine")
    assert ended.status == status, ended.output
    assert f"process {os.getpid()}" in ended.output
    assert state in ended.output
    assert "Stop that process" not in ended.output
    assert ("qwenproxy account relogin mine" in ended.output) == (state == "INVALID")
    assert registry.all() == before


@pytest.mark.parametrize("started_by_server", [True, False])
def test_of_a_server_and_the_process_it_started_the_server_is_named(
    registry: Registry, session: Path, started_by_server: bool
) -> None:
    claiming = (
        "import sys, pathlib; from qwenproxy.browser.profile import ProfileClaim;"
        "from qwenproxy.disk.folder import AccountFolder;"
        "claim = ProfileClaim.take(AccountFolder(pathlib.Path(sys.argv[1]))); print('up', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", claiming, str(registry.folder("mine").path)]
    server = os.getpid() if started_by_server else 1
    (session / "server.json").write_text(json.dumps({"pid": server, "host": "", "port": 0}))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == "up\n"
            expected = os.getpid() if started_by_server else holder.pid
            assert profile_owner(registry.folder("mine")) == expected
            with pytest.raises(ProfileInUse, match=rf"process {expected}\b"):
                ProfileClaim.take(registry.folder("mine"))
        finally:
            holder.kill()
    assert profile_owner(registry.folder("mine")) is None


# login


@pytest.mark.parametrize("command", [("relogin", "mine"), ("add", "--id", "newcomer")], ids=" ".join)
def test_a_login_whose_profile_is_held_is_not_explained(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    claim = ProfileClaim.take(registry.folder(command[-1]))
    try:
        ended = run_here("account", *command)
    finally:
        claim.release()
    assert ended.status == 1
    [line] = ended.output.splitlines()
    assert f"in use by process {os.getpid()}. Stop that process" in line


# remove


def test_the_record_goes_at_once_and_the_folder_when_the_server_lets_go(
    registry: Registry, claim: ProfileClaim
) -> None:
    def server_sees_it() -> None:
        assert Registry.open(SessionFolder(registry.folder("x").path.parent.parent)).get("mine") is None
        assert not registry.folder("mine").token.exists()
        threading.Timer(0.3, claim.release).start()

    assert remove_account(registry, "mine", 30.0, server_sees_it)
    assert not registry.folder("mine").path.exists()
    assert [one.id for one in registry.all()] == ["other"]


def test_a_server_that_does_not_let_go_keeps_the_folder_only(registry: Registry, claim: ProfileClaim) -> None:
    waits = []
    with pytest.raises(ProfileInUse):
        remove_account(registry, "mine", 0.3, lambda: waits.append("held"))
    assert waits == ["held"]
    assert registry.folder("mine").path.exists()
    assert [one.id for one in registry.all()] == ["other"]
    assert [one.id for one in Registry.open(SessionFolder(registry.folder("x").path.parent.parent)).all()] == ["other"]


def test_a_login_under_way_without_an_account_is_not_waited_for(registry: Registry) -> None:
    claim = ProfileClaim.take(registry.folder("newcomer"))
    try:
        with pytest.raises(ProfileInUse):
            remove_account(registry, "newcomer", 30.0, lambda: pytest.fail("it waits"))
    finally:
        claim.release()


def test_the_command_tells_that_the_folder_stays_and_takes_it_the_next_time(
    registry: Registry, claim: ProfileClaim, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remove, "RELEASE_WAIT", 0.3)
    ended = run_here("account", "remove", "mine", "--yes")
    assert ended.status == 1
    assert "Account mine is removed" in ended.output
    assert f"process {os.getpid()}" in ended.output
    assert "qwenproxy account remove mine" in ended.output
    assert registry.get("mine") is None
    claim.release()
    assert run_here("account", "remove", "mine", "--yes").status == 0
    assert not (session / "accounts" / "mine").exists()


def test_the_command_for_the_next_time_names_the_same_folder(
    registry: Registry, claim: ProfileClaim, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remove, "RELEASE_WAIT", 0.3)
    ended = run_here("account", "remove", "mine", "--yes", "--session-dir", str(session))
    assert f'qwenproxy account --session-dir "{session}" remove mine\n' in ended.output


def test_the_command_waits_visibly_on_a_terminal(registry: Registry, claim: ProfileClaim, session: Path) -> None:
    with Terminal(["account", "remove", "mine", "-y"], clean_environment(session)) as terminal:
        terminal.expect(f"waiting for process {os.getpid()} to close its browser")
        claim.release()
        terminal.expect("Account mine is removed.")
        assert terminal.end() == 0
    assert not (session / "accounts" / "mine").exists()
