"""A tokens.json that is damaged, or older than the accounts' own token files: no account is lost, nor what is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from clocks import NOW, FakeClock
from session_files import account_of, records_in, write_older, write_token
from spelling import spelled

from qwenproxy.accounts.account import Account
from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError, StorageError
from qwenproxy.logins.importing import import_accounts

LATER = "2099-01-01T00:00:00.000Z"
GOOD: list[dict[str, Any]] = [
    {"id": "a", "token": "ta", "resetAt": None, "invalid": True, "email": "a@example.org"},
    {"id": "b", "token": "tb", "resetAt": LATER, "reason": "verification"},
]


@pytest.fixture
def session(tmp_path: Path) -> Path:
    (tmp_path / "session").mkdir(exist_ok=True)
    return tmp_path / "session"


def write(session: Path, content: object) -> bytes:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (session / "tokens.json").write_bytes(data)
    return data


def kept_aside(session: Path) -> list[bytes]:
    return [path.read_bytes() for path in session.glob("tokens.json.corrupt-*")]


BAD: list[object] = [
    {"id": 5},
    {"token": "t"},
    {"id": "no-token", "resetAt": None},
    {"id": "odd-token", "token": 5},
    {"id": "../up", "token": "t"},
    7,
    None,
    "text",
    [],
]


@pytest.mark.parametrize("bad", BAD, ids=repr)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_record_costs_only_itself(
    session: Path, caplog: pytest.LogCaptureFixture, bad: object, place: int
) -> None:
    damaged = write(session, [*GOOD[:place], bad, *GOOD[place:]])
    registry = Registry.open(SessionFolder(session), lambda: NOW)
    assert registry.all() == Registry.open(SessionFolder(session), lambda: NOW).all()
    assert registry.get("a") == Account("a", "ta", invalid=True)
    assert account_of(registry, "b").status(NOW) == "WAIT"
    assert records_in(session) == GOOD
    assert kept_aside(session) == [damaged]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_token_that_is_missing_comes_from_its_file_and_the_rest_of_the_record_stays(session: Path) -> None:
    write_token(session, "b", "tb")
    write_token(session, "c", "tc")
    write(session, [GOOD[0], {name: value for name, value in GOOD[1].items() if name != "token"}])
    registry = Registry.open(SessionFolder(session), lambda: NOW)
    assert [(one.id, one.token) for one in registry.all()] == [("a", "ta"), ("b", "tb"), ("c", "tc")]
    assert {**GOOD[1]} == records_in(session)[1]


@pytest.mark.parametrize("blank", ["", " ", "\n\t"], ids=["empty", "space", "white space"])
def test_a_blank_token_comes_from_its_file_too_and_the_registry_is_not_set_aside(session: Path, blank: str) -> None:
    write_token(session, "b", "tb")
    write(session, [GOOD[0], {**GOOD[1], "token": blank}])
    registry = Registry.open(SessionFolder(session), lambda: NOW)
    assert [(one.id, one.token) for one in registry.all()] == [("a", "ta"), ("b", "tb")]
    assert account_of(registry, "b").status(NOW) == "WAIT"
    assert registry.mark_ok("a")
    assert records_in(session)[1] == GOOD[1]
    assert not kept_aside(session)


@pytest.mark.parametrize("beside", [[], [{"id": 5}]], ids=["whole", "damaged"])
def test_an_account_without_any_token_is_kept_and_needs_its_person(session: Path, beside: list[object]) -> None:
    write(session, [{"id": "a", "token": " ", "email": "a@example.org"}, *beside])
    account = account_of(Registry.open(SessionFolder(session), lambda: NOW), "a")
    assert (account.token, account.status(NOW)) == ("", "INVALID")
    assert "a@example.org" in (session / "tokens.json").read_text()
    assert Registry.open(SessionFolder(session), lambda: NOW).renew("a", "new")
    assert account_of(Registry.open(SessionFolder(session), lambda: NOW), "a").status(NOW) == "OK"


@pytest.mark.parametrize("order", [1, -1], ids=["good one last", "good one first"])
def test_of_two_damaged_records_the_one_with_a_token_is_kept(session: Path, order: int) -> None:
    write(session, [{"id": "b", "token": ""}, GOOD[1]][::order])
    assert [one.token for one in Registry.open(SessionFolder(session), lambda: NOW).all()] == ["tb"]


@pytest.mark.parametrize("order", [1, -1], ids=["good one first", "good one last"])
def test_of_two_records_with_one_id_the_token_file_tells_the_right_one(session: Path, order: int) -> None:
    write_token(session, "b", "tb")
    write(session, [GOOD[1], {"id": "b", "token": "stale"}][::order])
    Registry.open(SessionFolder(session), lambda: NOW).all()
    assert records_in(session) == [GOOD[1]]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_file_that_is_cut_off_keeps_its_whole_records(session: Path, cut: int) -> None:
    data = json.dumps(GOOD, indent=2).encode()
    write(session, data[:-cut])
    registry = Registry.open(SessionFolder(session), lambda: NOW)
    assert registry.get("a") == Account("a", "ta", invalid=True)
    assert records_in(session)[0] == GOOD[0]


@pytest.mark.parametrize(
    "content", [b"", b"[{", b"{}", b"null", b"[1]", b'[{"id":5}]', b"\xff\xfe", b"[" * 100_000], ids=spelled
)
def test_where_nothing_can_be_kept_no_file_says_that_there_are_no_accounts(session: Path, content: bytes) -> None:
    write(session, content)
    registry = Registry.open(SessionFolder(session), lambda: NOW)
    assert registry.all() == ()
    assert not (session / "tokens.json").exists()
    assert kept_aside(session) == [content]
    assert registry.add("t", "a") == "a"
    assert [one["id"] for one in records_in(session)] == ["a"]


def test_an_older_registry_gets_its_token_files(session: Path) -> None:
    before = write(session, GOOD)
    registry = Registry.open(SessionFolder(session), lambda: NOW)
    assert len(registry.all()) == 2
    assert (session / "tokens.json").read_bytes() == before
    for record in GOOD:
        assert registry.folder(record["id"]).token.read_text() == record["token"]
    write(session, b"")  # from now on a corruption loses no account
    assert [(one.id, one.token) for one in registry.all()] == [("a", "ta"), ("b", "tb")]


def test_a_removed_account_gets_no_token_file_back(session: Path) -> None:
    write(session, GOOD)
    registry = Registry.open(SessionFolder(session), lambda: NOW)
    registry.remove("a")
    assert [one.id for one in registry.all()] == ["b"]
    assert not registry.folder("a").path.exists()


def test_import_fills_blank_tokens_and_passes_over_accounts_without_any(
    session: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "older"
    source.mkdir()
    write_token(source, "b", "tb")
    write(source, [{**GOOD[0], "token": ""}, {**GOOD[1], "token": " "}])
    registry = Registry.open(SessionFolder(session), lambda: NOW)
    assert import_accounts(registry, SessionFolder(session), SessionFolder(source)) == ("b",)
    assert [(one.id, one.token, one.status(NOW)) for one in registry.all()] == [("b", "tb", "INVALID")]
    assert caplog.messages == ["not taken over, since they have no token: a"]


@pytest.mark.parametrize("content", [GOOD, [*GOOD, 7]], ids=["older", "damaged"])
def test_what_cannot_be_mended_can_be_read(session: Path, content: object) -> None:
    written = write(session, content)
    (session / ".tokens.json.lock").mkdir()  # a lock that cannot be had, even by the superuser
    registry = Registry.open(SessionFolder(session), lambda: NOW)
    assert [(one.id, one.token) for one in registry.all()] == [("a", "ta"), ("b", "tb")]
    with pytest.raises(StorageError, match="cannot lock"):
        registry.mark_ok("a")
    assert (session / "tokens.json").read_bytes() == written


def test_import_takes_what_a_damaged_registry_still_tells(session: Path, tmp_path: Path) -> None:
    source = tmp_path / "older"
    source.mkdir()
    write_token(source, "c", "tc")
    damaged = write(source, [*GOOD, {"id": 5}])
    assert import_accounts(
        Registry.open(SessionFolder(session), lambda: NOW), SessionFolder(session), SessionFolder(source)
    ) == ("a", "b", "c")
    assert records_in(session)[:2] == [{**one, "invalid": True, "renewable": False} for one in GOOD], (
        "their tokens are none of the site's"
    )
    assert (source / "tokens.json").read_bytes() == damaged
    assert not kept_aside(source)


def test_without_a_registry_the_account_folders_are_taken_in(session: Path, clock: FakeClock) -> None:
    write_token(session, "acc_2", "t2\n")
    write_token(session, "acc_1", "t1")
    write_token(session, "acc_3", "  ")
    (session / "accounts" / "acc_4").mkdir()
    assert Registry.open(SessionFolder(session), clock).all() == (Account("acc_1", "t1"), Account("acc_2", "t2"))
    assert [record["id"] for record in records_in(session)] == ["acc_1", "acc_2"]


def test_an_empty_registry_takes_nothing_in(session: Path, clock: FakeClock) -> None:
    write_older(session, [])
    write_token(session, "acc_1", "t1")
    assert Registry.open(SessionFolder(session), clock).all() == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[{",
        b"\xff\xfe\x00",
        b"{}",
        b"null",
        b'"text"',
        b"[1]",
        b'[{"id":"a"}]',
        b'[{"token":"t"}]',
        b'[{"id":"a","token":5}]',
        b'[{"id":"../a","token":"t"}]',
        b'[{"id":7,"token":"t"}]',
    ],
    ids=spelled,
)
def test_a_corrupt_registry_is_kept_aside_and_no_account_is_lost(
    session: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    write_token(session, "acc_1", "secret-1")
    write_token(session, "acc_2", "secret-2")
    (session / "tokens.json").write_bytes(content)
    registry = Registry.open(SessionFolder(session), clock)
    assert [account.token for account in registry.all()] == ["secret-1", "secret-2"]
    copies = list(session.glob("tokens.json.corrupt-*"))
    assert [path.read_bytes() for path in copies] == [content]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "secret" not in caplog.text
    assert len(records_in(session)) == 2
    assert registry.all() == Registry.open(SessionFolder(session), clock).all()
    assert len(list(session.glob("tokens.json.corrupt-*"))) == 1


def test_a_registry_that_becomes_corrupt_under_way_is_mended_by_a_change_too(registry: Registry, session: Path) -> None:
    registry.add("t1", "a")
    (session / "tokens.json").write_bytes(b"[{")
    registry.add("t2", "b")
    assert [account.id for account in registry.all()] == ["a", "b"]
    assert len(list(session.glob("tokens.json.corrupt-*"))) == 1


def test_a_registry_that_cannot_be_read_is_not_touched(session: Path, clock: FakeClock) -> None:
    (session / "tokens.json").mkdir(parents=True)
    registry = Registry.open(SessionFolder(session), clock)
    for act in (registry.all, lambda: registry.add("t")):
        with pytest.raises(SetupError, match="cannot read"):
            act()
    assert (session / "tokens.json").is_dir()


def test_leftovers_of_a_crash_are_swept_at_start(session: Path, clock: FakeClock) -> None:
    write_token(session, "acc_1", "t1")
    for leftover in (session / ".tokens.json.abcd.tmp", session / "accounts" / "acc_1" / ".token.txt.abcd.tmp"):
        leftover.write_bytes(b"half")
    Registry.open(SessionFolder(session), clock)
    assert not list(session.rglob("*.tmp"))
