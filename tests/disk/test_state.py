"""state.db: transactions of many threads and processes, migrations, and a file that is broken, gone or refused."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwenproxy.disk import state as state_module
from qwenproxy.disk.schema import MIGRATIONS
from qwenproxy.disk.state import State, Transaction
from qwenproxy.errors import StorageError

ADD = "INSERT OR REPLACE INTO parent_refusals VALUES (?, ?)"
ALL = "SELECT account, at FROM parent_refusals ORDER BY account"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session" / "state.db"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    state = State(path)
    yield state
    state.close()


def add(state: State, name: str, at: int = 1) -> None:
    state.change(lambda transaction: transaction.do(ADD, name, at))


def names(state: State) -> list[str]:
    return [row[0] for row in state.rows(ALL)]


def set_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("state.db.corrupt-*"))


def test_what_was_written_is_there_after_a_restart(state: State, path: Path) -> None:
    add(state, "a")
    state.close()
    assert names(State(path)) == ["a"]


def test_a_constructor_opens_nothing(path: Path) -> None:
    State(path)
    assert not path.parent.exists()


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_only_the_owner_can_read_it(state: State, path: Path) -> None:
    add(state, "a")
    files = sorted(path.parent.glob("state.db*"))
    assert {file.name for file in files} >= {"state.db", "state.db-shm", "state.db-wal"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_transaction_is_all_or_nothing(state: State) -> None:
    def fail(transaction: Transaction) -> None:
        transaction.do(ADD, "a", 1)
        raise KeyError("in the middle")

    with pytest.raises(KeyError):
        state.change(fail)
    assert names(state) == []
    assert state.change(lambda transaction: transaction.do("DELETE FROM parent_refusals")) == 0


def test_many_threads(state: State) -> None:
    def count_up() -> None:
        for _ in range(50):
            state.change(increase)
            state.rows(ALL)

    def increase(transaction: Transaction) -> None:
        rows = transaction.rows("SELECT at FROM parent_refusals WHERE account = 'a'")
        transaction.do(ADD, "a", (rows[0][0] if rows else 0) + 1)

    threads = [threading.Thread(target=count_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.rows(ALL) == [("a", 400)]


def test_two_that_have_the_same_file(state: State, path: Path) -> None:
    add(state, "a")
    other = State(path)
    assert names(other) == ["a"]
    add(other, "b")
    assert names(state) == ["a", "b"]
    other.close()
    add(state, "c")


def test_an_older_file_gets_what_it_lacks(state: State, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(state, "a")
    state.close()
    more = (*MIGRATIONS, ("CREATE TABLE responses (id TEXT PRIMARY KEY)", "INSERT INTO responses VALUES ('r')"))
    monkeypatch.setattr(state_module, "MIGRATIONS", more)
    newer = State(path)
    assert newer.rows("SELECT id FROM responses") == [("r",)]
    newer.close()
    monkeypatch.setattr(state_module, "MIGRATIONS", MIGRATIONS)
    assert names(State(path)) == ["a"], "an older version works with it"


def test_a_migration_is_all_or_nothing(state: State, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(state, "a")
    state.close()
    with monkeypatch.context() as patch:
        patch.setattr(state_module, "MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE one (x)", "PRAGMA nothing", "readonly")))
        patch.setattr(state_module, "_shows_damage", lambda error: False)
        with pytest.raises(StorageError):
            names(State(path))
    again = State(path)
    assert again.rows("SELECT name FROM sqlite_master WHERE name = 'one'") == []
    assert names(again) == ["a"]


@pytest.mark.parametrize("is_open", [False, True], ids=["closed", "open"])
def test_a_file_that_somebody_removed(state: State, path: Path, is_open: bool) -> None:
    add(state, "a")
    if not is_open:
        state.close()
    for file in path.parent.glob("state.db*"):
        file.unlink()
    assert names(state) == []
    add(state, "b")
    assert names(State(path)) == ["b"]


@pytest.mark.parametrize(
    "content", [b"no database" * 500, b"SQLite format 3\0" + b"\xff" * 8000], ids=["text", "noise"]
)
def test_a_broken_file_is_set_aside(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    state = State(path)
    add(state, "a")
    assert names(state) == ["a"]
    [aside] = set_aside(path)
    assert aside.read_bytes() == content
    assert "unreadable" in caplog.text


def test_a_file_without_its_tables_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert names(State(path)) == []
    assert len(set_aside(path)) == 1


def test_what_belongs_to_a_broken_file_does_not_spoil_the_next_one(path: Path) -> None:
    path.parent.mkdir()
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"state.db{suffix}").write_bytes(b"no database" * 500)
    state = State(path)
    add(state, "a")
    state.close()
    assert names(State(path)) == ["a"]
    assert len(set_aside(path)) == 1


def test_the_log_quotes_no_content(state: State, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    add(state, "my secret")
    state.close()
    path.write_bytes(path.read_bytes().replace(b"my secret", b"my \xffecret"))
    assert names(state) == []
    assert "unreadable" in caplog.text
    assert "ecret" not in caplog.text


@pytest.mark.parametrize("place", ["a folder in its place", "a file in the folder's place"])
def test_what_the_disk_refuses(path: Path, place: str) -> None:
    if place == "a folder in its place":
        path.mkdir(parents=True)
    else:
        path.parent.write_text("")
    state = State(path)
    for _ in range(2):
        with pytest.raises(StorageError):
            names(state)
        with pytest.raises(StorageError):
            add(state, "a")
    assert not set_aside(path)


def test_a_full_disk_and_its_end(state: State, path: Path) -> None:
    add(state, "a")
    [(pages,)] = state.rows("PRAGMA page_count")
    state.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="full"):
        state.change(lambda transaction: transaction.do(ADD, "b" * 1_000_000, 1))
    assert names(state) == ["a"], "the next use opens the file anew"
    add(state, "b" * 1_000_000)
    assert not set_aside(path)


def test_a_lock_of_another_process(state: State, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "LOCK_WAIT", 0.05)
    add(state, "a")
    state.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert names(state) == ["a"], "reading goes on"
    assert state.look(lambda transaction: transaction.rows(ALL)) == [("a", 1)]
    with pytest.raises(StorageError, match="locked"):
        add(state, "b")
    other.execute("COMMIT")
    other.close()
    add(state, "b")
    assert names(state) == ["a", "b"]


def test_bytes_that_changed_anywhere(path: Path) -> None:
    """Whatever stands in the file: reading and writing go on, at the latest at the second try."""
    template = State(path)
    template.change(lambda each: [each.do(ADD, f"account-{number:04d}" * 5, number) for number in range(400)])
    template.close()
    content = path.read_bytes()
    chance = random.Random(7)
    for number in range(60):
        for file in path.parent.glob("state.db*"):
            file.unlink()
        broken = bytearray(content)
        for _ in range(chance.choice((1, 20, 2000))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(broken[: chance.choice((len(broken), chance.randrange(len(broken))))])
        state = State(path)
        state.rows(ALL)
        add(state, "new", number)
        assert ("new", number) in state.rows(ALL)
        state.close()


# Confirms each transaction that is written, and ends itself after some of them while other threads are amid theirs.
WRITER = textwrap.dedent(
    f"""
    import os, signal, sys, threading
    from pathlib import Path
    from qwenproxy.disk.state import State

    state, limit = State(Path(sys.argv[1])), int(sys.argv[2])
    printing = threading.Lock()
    printed = 0

    def work(thread):
        global printed
        for number in range(1000):
            name = f"{{sys.argv[3]}}-{{thread}}-{{number}}"
            state.change(lambda each: [each.do({ADD!r}, name + half, number) for half in ("x", "y")])
            with printing:
                os.write(1, (name + "\\n").encode())
                printed += 1
                if printed == limit:
                    os.kill(os.getpid(), signal.SIGKILL)

    for thread in range(4):
        threading.Thread(target=work, args=(thread,)).start()
    """
)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_killed_again_and_again(path: Path) -> None:
    """What was confirmed is there after kill -9, whole; nothing is set aside."""
    confirmed: set[str] = set()
    chance = random.Random(3)
    for run in range(24):
        command = [sys.executable, "-c", WRITER, str(path), str(chance.randrange(1, 120)), str(run)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        confirmed.update(done.stdout.split())
    state = State(path)
    kept = set(names(state))
    assert {f"{name}{half}" for name in confirmed for half in "xy"} <= kept
    assert {name[:-1] + "x" for name in kept} | {name[:-1] + "y" for name in kept} == kept, "half a transaction"
    assert state.rows("PRAGMA integrity_check") == [("ok",)]
    assert not set_aside(path)
    state.close()
