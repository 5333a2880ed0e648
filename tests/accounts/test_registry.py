"""The registry on disk: the older project's files, statuses, tokens and dates."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clocks import NOW, FakeClock
from session_files import OLDER, account_of, records_in, write_older
from spelling import spelled

from qwenproxy.accounts.account import iso_text
from qwenproxy.accounts.registry import Account, Registry, check_token
from qwenproxy.browser.tokens import token_expiry
from qwenproxy.disk import files
from qwenproxy.disk.cached import stamp
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError


def jwt(**claims: object) -> str:
    parts: list[dict[str, Any]] = [{"alg": "HS256", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return tmp_path / "session"


def test_nothing_there_is_no_account(registry: Registry, session: Path) -> None:
    assert registry.all() == ()
    assert registry.get("acc_1") is None
    assert not (session / "tokens.json").exists()


def test_a_folder_of_the_older_project_is_read_unchanged(session: Path, clock: FakeClock) -> None:
    write_older(session)
    before = (session / "tokens.json").read_bytes()
    registry = Registry.open(SessionFolder(session), clock)
    assert registry.all() == (
        Account("acc_1", "t1"),
        Account("acc_2", "t2", reset_at=1760003600.5),
        Account("acc_3", "t3", reset_at=1760000001.0, invalid=True),
    )
    assert [account.status(NOW) for account in registry.all()] == ["OK", "WAIT", "INVALID"]
    assert [account.status(NOW + 7200) for account in registry.all()] == ["OK", "OK", "INVALID"]
    assert (session / "tokens.json").read_bytes() == before


@pytest.mark.parametrize("reset_at", [None, "", "soon", True, [], {}], ids=spelled)
def test_a_reset_date_that_says_nothing_does_not_block(session: Path, reset_at: object) -> None:
    write_older(session, [{"id": "a", "token": "t", "resetAt": reset_at}])
    assert Registry.open(SessionFolder(session)).all() == (Account("a", "t"),)


def test_add_writes_record_and_token_file(registry: Registry, session: Path) -> None:
    assert registry.add("t1") == f"acc_{int(NOW * 1000)}"
    assert registry.add("t2") == f"acc_{int(NOW * 1000) + 1}"
    assert registry.add("t3", "mine") == "mine"
    assert [account.token for account in registry.all()] == ["t1", "t2", "t3"]
    assert records_in(session)[2] == {
        "id": "mine",
        "token": "t3",
        "resetAt": None,
        "invalid": False,
        "renewable": False,
    }
    assert registry.folder("mine").token.read_text() == "t3"
    assert registry.folder("mine").profile == session / "accounts" / "mine" / "profile"
    if os.name == "posix":
        modes = [p.stat().st_mode & 0o777 for p in (session, registry.folder("mine").path, session / "tokens.json")]
        assert modes == [0o700, 0o700, 0o600]
        assert registry.folder("mine").token.stat().st_mode & 0o777 == 0o600


def test_a_reserved_id_is_added_later_or_given_up(registry: Registry) -> None:
    account_id = registry.new_id()
    registry.folder(account_id).profile.mkdir()
    assert registry.new_id() != account_id
    assert registry.get(account_id) is None
    assert registry.add("t", account_id) == account_id
    given_up = registry.new_id()
    assert registry.remove(given_up)
    assert not registry.folder(given_up).path.exists()


@pytest.mark.parametrize("account_id", ["", "../x", "a/b", "x" * 129, "."], ids=spelled)
def test_ids_that_leave_the_folder_are_refused(registry: Registry, account_id: str) -> None:
    for act in (registry.folder, registry.remove, lambda one: registry.add("t", one)):
        with pytest.raises(SetupError, match="account ID"):
            act(account_id)


def test_a_taken_id_is_refused(registry: Registry) -> None:
    registry.add("t1", "mine")
    with pytest.raises(SetupError, match="already"):
        registry.add("t2", "MINE")
    assert [account.token for account in registry.all()] == ["t1"]
    assert registry.folder("mine").token.read_text() == "t1"


def test_statuses_come_and_go(registry: Registry, session: Path, clock: FakeClock) -> None:
    registry.add("t", "a")
    assert registry.rest("a", NOW + 600, reason="verification")
    account = account_of(registry, "a")
    assert (account.status(NOW), account.reset_at, account.reason) == ("WAIT", NOW + 600, "verification")
    assert records_in(session)[0]["resetAt"] == "2025-10-09T09:03:20.000Z"
    assert account.status(NOW + 600) == "OK"
    assert registry.mark_invalid("a")
    assert account_of(registry, "a").status(NOW + 600) == "INVALID"
    assert registry.mark_ok("a")
    assert registry.get("a") == Account("a", "t")
    registry.rest("a", NOW + 5)
    registry.mark_invalid("a")
    assert registry.renew("a", "t2")
    assert registry.get("a") == Account("a", "t2")
    assert registry.folder("a").token.read_text() == "t2"


def test_a_longer_rest_is_not_cut_short(registry: Registry, clock: FakeClock) -> None:
    registry.add("t", "a")
    registry.rest("a", NOW + 3600)
    registry.rest("a", NOW + 120)
    assert account_of(registry, "a").reset_at == NOW + 3600
    clock.now = NOW + 4000
    registry.rest("a", NOW + 4120)
    assert account_of(registry, "a").reset_at == NOW + 4120


def test_a_refusal_of_an_old_token_does_not_undo_a_relogin(registry: Registry) -> None:
    registry.add("old", "a")
    registry.renew("a", "new")
    assert not registry.mark_invalid("a", token="old")
    assert account_of(registry, "a").status(NOW) == "OK"
    assert registry.mark_invalid("a", token="new")
    assert account_of(registry, "a").status(NOW) == "INVALID"


def test_an_account_that_is_gone_stays_gone(registry: Registry) -> None:
    registry.add("t", "a")
    assert registry.remove("a")
    changes: tuple[Callable[[], bool], ...] = (
        lambda: registry.rest("a", NOW + 1),
        lambda: registry.mark_invalid("a"),
        lambda: registry.mark_ok("a"),
        lambda: registry.renew("a", "t2"),
        lambda: registry.remove("a"),
    )
    for change in changes:
        assert not change()
    assert registry.all() == ()
    assert not registry.folder("a").path.exists()


def test_remove_takes_the_whole_folder_and_nothing_else(registry: Registry) -> None:
    for account_id in ("a", "b"):
        registry.add(f"t-{account_id}", account_id)
        registry.folder(account_id).profile.mkdir()
        (registry.folder(account_id).profile / "Cookies").write_bytes(b"x")
    registry.remove("a")
    assert [account.id for account in registry.all()] == ["b"]
    assert not registry.folder("a").path.exists()
    assert (registry.folder("b").profile / "Cookies").exists()


def test_an_expired_token_counts_as_invalid(registry: Registry) -> None:
    registry.add(jwt(id="u", exp=int(NOW) + 60), "a")
    account = account_of(registry, "a")
    assert account.expires_at == int(NOW) + 60
    assert (account.status(NOW), account.status(NOW + 60)) == ("OK", "INVALID")


@pytest.mark.parametrize(
    "token",
    ["x", "a.b", "a.b.c", "a.!!!.c", jwt(id="u"), jwt(exp="soon"), jwt(exp=True), "a.W10.c", "я.я.я", "a.MQ.c"],
    ids=["x", "a.b", "a.b.c", "no base64", "no exp", "exp a word", "exp true", "a list", "Cyrillic", "a number"],
)
def test_tokens_without_a_date_never_expire(token: str) -> None:
    assert token_expiry(token) is None
    assert Account("a", token).status(NOW) == "OK"


@pytest.mark.parametrize(
    "token",
    ["", "abc", "a.b", "a.b.c", "a.b.c.d", "..", "a.W10.c", jwt(exp=NOW), jwt(exp=1)],
    ids=["empty", "abc", "a.b", "a.b.c", "a.b.c.d", "dots", "a list", "ended now", "ended long ago"],
)
def test_check_token_refuses_without_repeating_it(token: str) -> None:
    with pytest.raises(SetupError) as caught:
        check_token(token, NOW)
    if len(token) > 4:
        assert token not in caught.value.message


def test_check_token_strips_what_copying_leaves() -> None:
    good = jwt(id="u", exp=NOW + 1)
    assert check_token(f"  {good}\n", NOW) == good
    assert check_token(jwt(id="u"), NOW) == jwt(id="u")


def test_dates_are_written_as_javascript_does() -> None:
    assert iso_text(0) == "1970-01-01T00:00:00.000Z"
    assert iso_text(NOW + 0.25) == "2025-10-09T08:53:20.250Z"
    assert iso_text(1e300).startswith("9999-")
    assert iso_text(-5) == iso_text(0)


def test_unknown_fields_and_order_survive(session: Path, clock: FakeClock) -> None:
    write_older(session)
    registry = Registry.open(SessionFolder(session), clock)
    registry.mark_invalid("acc_2")
    registry.add("t4", "acc_0")
    records = records_in(session)
    assert [record["id"] for record in records] == ["acc_1", "acc_2", "acc_3", "acc_0"]
    assert records[1] == {**OLDER[1], "invalid": True}
    assert list(records[1]) == ["id", "token", "resetAt", "email", "invalid"]
    assert (records[0], records[2]) == (OLDER[0], OLDER[2])


def test_a_change_that_changes_nothing_writes_nothing(registry: Registry, session: Path) -> None:
    registry.add("t", "a")
    before = stamp(session / "tokens.json")
    registry.mark_ok("a")
    registry.renew("a", "t")
    assert stamp(session / "tokens.json") == before


def test_another_process_is_seen_and_not_undone(registry: Registry, session: Path, clock: FakeClock) -> None:
    registry.add("t1", "a")
    other = Registry.open(SessionFolder(session), clock)
    other.add("t2", "b")
    assert [account.id for account in registry.all()] == ["a", "b"]
    registry.rest("a", NOW + 60)
    other.mark_invalid("b")
    other.remove("a")
    assert registry.all() == (Account("b", "t2", invalid=True),)
    registry.rest("a", NOW + 60)
    assert [account.id for account in other.all()] == ["b"]


def test_a_look_at_an_unchanged_file_reads_nothing(
    registry: Registry, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add("t", "a")
    os.utime(session / "tokens.json", (1000, 1000))
    registry.all()

    def no_reading(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr(files, "read_bytes", no_reading)
    assert registry.get("a") == Account("a", "t")


def test_tokens_reach_neither_log_nor_repr(registry: Registry, session: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    registry.add("secret-token", "a")
    registry.rest("a", NOW + 5, "verification")
    (session / "tokens.json").write_bytes(b'[{"id":"a","token":"secret-token"')
    assert "secret-token" not in repr(registry.all())
    assert "secret-token" not in caplog.text


def test_a_token_with_white_space_around_it_can_be_marked_invalid(session: Path, registry: Registry) -> None:
    (session / "tokens.json").write_text(json.dumps([{"id": "acc_1", "token": " t1\n"}]))
    assert registry.mark_invalid("acc_1", account_of(registry, "acc_1").token)
    assert account_of(registry, "acc_1").invalid


def test_a_rest_beyond_all_calendars_ends_with_the_calendar(
    session: Path, registry: Registry, clock: FakeClock
) -> None:
    (session / "tokens.json").write_text(json.dumps([{"id": "acc_1", "token": "t1", "resetAt": 99999999999999999}]))
    account = account_of(registry, "acc_1")
    assert account.status(clock.now) == "WAIT"
    assert account.reset_at
    assert iso_text(account.reset_at).startswith("9999-")
