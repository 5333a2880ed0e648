"""The registry among several writers, and what it takes over from other session folders."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clocks import NOW
from session_files import OLDER, account_of, records_in, write_older, write_token

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.history.store import import_chats
from qwenproxy.logins.importing import import_accounts


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return tmp_path / "session"


def test_processes_that_write_at_once_lose_nothing(registry: Registry, session: Path) -> None:
    registry.add("t", "shared")
    code = (
        "import sys; from pathlib import Path; from qwenproxy.accounts.registry import Registry\n"
        "from qwenproxy.disk.folder import SessionFolder\n"
        "registry = Registry.open(SessionFolder(Path(sys.argv[1]))); name = sys.argv[2]; sys.stdin.readline()\n"
        "for number in range(25):\n"
        "    registry.add('t', f'{name}-{number}'); registry.add('t')\n"
        "    registry.rest(f'{name}-{number}', 2e9); registry.mark_invalid(f'{name}-{number}')\n"
        "    registry.rest('shared', 2e9 + number)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(session), name], stdin=subprocess.PIPE) for name in ("x", "y")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for number in range(25):
        registry.add("t", f"z-{number}")
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0, 0]
    accounts = {account.id: account for account in registry.all()}
    for number in range(25):
        assert f"z-{number}" in accounts
        for name in "xy":
            account = accounts[f"{name}-{number}"]
            assert (account.reset_at, account.invalid) == (2e9, True)
    assert len(accounts) == 1 + 25 + 2 * 50
    assert sum(bool(re.fullmatch(r"acc_\d+", one)) for one in accounts) == 50
    assert accounts["shared"].reset_at == 2e9 + 24


def test_threads_that_write_at_once_lose_nothing(registry: Registry) -> None:
    def work(name: int) -> None:
        for number in range(10):
            account_id = registry.add("t")
            registry.rest(account_id, NOW + 5, reason=f"{name}-{number}")
            registry.all()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    accounts = registry.all()
    assert len({account.id for account in accounts}) == 60
    assert {account.reason for account in accounts} == {f"{name}-{n}" for name in range(6) for n in range(10)}


def snapshot(folder: Path) -> dict[Path, bool | bytes]:
    return {path.relative_to(folder): path.is_dir() or path.read_bytes() for path in folder.rglob("*")}


def test_import_brings_accounts_and_chats_once(registry: Registry, session: Path, tmp_path: Path) -> None:
    source = tmp_path / "older"
    write_older(source)
    (source / "history").mkdir()
    for name in ("c1.json", "c2.json", "..json", "notes.txt"):
        (source / "history" / name).write_bytes(b"[]")
    registry.add("mine", "acc_1")
    registry.add("t3", "same-login")
    (session / "history").mkdir()
    (session / "history" / "c2.json").write_bytes(b'{"messages":[]}')
    before = snapshot(source)
    assert import_accounts(registry, SessionFolder(session), SessionFolder(source)) == ("acc_2",)
    assert import_chats(source / "history", session / "history") == 1
    after = snapshot(session)
    assert account_of(registry, "acc_1").token == "mine"
    assert records_in(session)[2] == {**OLDER[1], "invalid": True, "renewable": False}, "t2 is no token of the site"
    assert registry.folder("acc_2").token.read_text() == "t2"
    assert sorted(os.listdir(session / "history")) == ["c1.json", "c2.json"]
    assert (session / "history" / "c2.json").read_bytes() == b'{"messages":[]}'
    assert import_accounts(registry, SessionFolder(session), SessionFolder(source)) == ()
    assert import_chats(source / "history", session / "history") == 0
    assert snapshot(session) == after
    assert snapshot(source) == before


@pytest.mark.parametrize("tokens", [None, b"[{"], ids=["none", "damaged"])
def test_import_reads_account_folders_where_there_is_no_registry(
    registry: Registry, session: Path, tmp_path: Path, tokens: bytes | None
) -> None:
    source = tmp_path / "older"
    write_token(source, "acc_9", "t9")
    if tokens is not None:
        (source / "tokens.json").write_bytes(tokens)
    before = snapshot(source)
    assert import_accounts(registry, SessionFolder(session), SessionFolder(source)) == ("acc_9",)
    assert snapshot(source) == before


def test_import_refuses_what_is_no_session_folder(registry: Registry, session: Path, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="neither"):
        import_accounts(registry, SessionFolder(session), SessionFolder(tmp_path / "nowhere"))
    with pytest.raises(SetupError, match="in use"):
        import_accounts(registry, SessionFolder(session), SessionFolder(session))


def test_of_rests_that_are_noted_at_once_the_latest_end_stays(tmp_path: Path) -> None:
    Registry.open(SessionFolder(tmp_path)).add("token", "a")
    now = time.time()
    ends = [now + 60 * minute for minute in range(1, 41)]
    random.Random(1).shuffle(ends)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda end: Registry(SessionFolder(tmp_path)).rest("a", end), ends))
    account = Registry(SessionFolder(tmp_path)).get("a")
    assert account is not None and account.reset_at is not None
    assert abs(account.reset_at - max(ends)) < 1


def test_a_rest_does_not_wait_for_a_reading_that_waits_to_mend_the_file(registry: Registry, session: Path) -> None:
    registry.add("token", "a")
    with registry._changing():
        (session / "tokens.json").write_text("nonsense")
        reading = threading.Thread(target=registry.all)
        reading.start()
        while not registry._mutex.locked():
            time.sleep(0.001)
        assert registry.rest("a", NOW)
        assert reading.is_alive()
    reading.join()
    assert account_of(registry, "a").reset_at == NOW
