"""Who holds a Chrome profile, and which processes a killed server's successor may end."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest
from spelling import spelled

from qwenproxy.browser.profile import (
    ProfileClaim,
    ProfileInUse,
    end_leftovers,
    end_orphans,
    end_processes,
    profile_owner,
)
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.errors import StorageError

WAITING = "import sys; print('up', flush=True); sys.stdin.read()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITING}"
PARENT = (
    "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], "
    "stdin=subprocess.PIPE); print(child.pid, flush=True); sys.stdin.read()"
)
CLAIMING = (
    "import pathlib, sys; from qwenproxy.browser.profile import ProfileClaim; "
    "from qwenproxy.disk.folder import AccountFolder; "
    "claim = ProfileClaim.take(AccountFolder(pathlib.Path(sys.argv[1]))); "
    "[claim.add(int(pid)) for pid in sys.argv[2:]]; print('up', flush=True); sys.stdin.read()"
)


def test_a_disk_that_refuses_is_told_and_the_profile_stays_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(ProfileClaim, "_write", refuse)
        with pytest.raises(StorageError, match=r"cannot write .*account: No space left"):
            ProfileClaim.take(AccountFolder(tmp_path / "account"))
    ProfileClaim.take(AccountFolder(tmp_path / "account")).release()


def test_what_cannot_be_deleted_keeps_no_profile(tmp_path: Path) -> None:
    claim = ProfileClaim.take(AccountFolder(tmp_path))
    (tmp_path / "browser.json").unlink()
    (tmp_path / "browser.json").mkdir()
    claim.release()
    (tmp_path / "browser.json").rmdir()
    ProfileClaim.take(AccountFolder(tmp_path)).release()


class Launch(Protocol):
    """Start a Python process; return it and the first line it prints."""

    def __call__(self, code: str, *arguments: str) -> tuple[subprocess.Popen[str], str]: ...


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Return a starter of Python processes that end with the test."""
    with contextlib.ExitStack() as stack:

        def launch(code: str, *arguments: str) -> tuple[subprocess.Popen[str], str]:
            command = [sys.executable, "-c", code, *arguments]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout
            return process, process.stdout.readline().strip()

        yield launch


@pytest.fixture
def folder(tmp_path: Path) -> AccountFolder:
    return SessionFolder(tmp_path).account("acc_1")


def has_ended(pid: int) -> bool:
    """Tell whether a process runs no more; it may still wait to be taken note of."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def record_of(folder: AccountFolder) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(folder.browser_note.read_text())
    return record


def write_record(folder: AccountFolder, record: object) -> None:
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.browser_note.write_text(record if isinstance(record, str) else json.dumps(record))


def test_a_claim_records_its_owner_and_its_processes(folder: AccountFolder, launch: Launch) -> None:
    process, _ = launch(WAITING)
    claim = ProfileClaim.take(folder)
    claim.add(process.pid)
    assert record_of(folder)["owner"][0] == os.getpid()
    assert [pid for pid, _ in record_of(folder)["processes"]] == [process.pid]
    assert profile_owner(folder) == os.getpid()
    if os.name == "posix":
        modes = [path.stat().st_mode & 0o777 for path in (folder.path, folder.browser_note)]
        assert modes == [0o700, 0o600]
    claim.release()
    assert has_ended(process.pid)
    assert profile_owner(folder) is None
    assert not folder.browser_note.exists()
    claim.release()


def test_a_held_profile_names_its_process(folder: AccountFolder, launch: Launch) -> None:
    owner, up = launch(CLAIMING, str(folder.path))
    assert up == "up"
    with pytest.raises(ProfileInUse, match=rf"acc_1 is in use by process {owner.pid}\b"):
        ProfileClaim.take(folder)
    owner.kill()
    owner.wait()
    ProfileClaim.take(folder).release()


def test_one_process_claims_a_profile_once(folder: AccountFolder) -> None:
    claim = ProfileClaim.take(folder)
    with pytest.raises(ProfileInUse):
        ProfileClaim.take(folder)
    assert record_of(folder)["owner"][0] == os.getpid(), "the refused claim changed nothing"
    claim.release()
    ProfileClaim.take(folder).release()


def test_a_second_release_leaves_the_next_owner_alone(folder: AccountFolder, launch: Launch) -> None:
    first = ProfileClaim.take(folder)
    first.release()
    process, _ = launch(WAITING)
    second = ProfileClaim.take(folder)
    second.add(process.pid)
    first.release()
    assert record_of(folder)["processes"][0][0] == process.pid
    with pytest.raises(ProfileInUse):
        ProfileClaim.take(folder)
    second.release()
    assert has_ended(process.pid)


def test_what_a_killed_server_left_is_ended(folder: AccountFolder, launch: Launch) -> None:
    process, _ = launch(WAITING)
    write_record(folder, {"owner": [1, 1.0], "processes": [[process.pid, psutil.Process(process.pid).create_time()]]})
    folder.profile.mkdir()
    (folder.profile / "SingletonLock").symlink_to("machine-1")
    claim = ProfileClaim.take(folder)
    assert has_ended(process.pid)
    assert not (folder.profile / "SingletonLock").is_symlink()
    claim.release()


@pytest.fixture
def orphan(folder: AccountFolder, launch: Launch) -> subprocess.Popen[str]:
    """A process that a server recorded and left behind when it was killed."""
    process, _ = launch(WAITING)
    server, _ = launch(CLAIMING, str(folder.path), str(process.pid))
    server.kill()
    server.wait()
    return process


def test_a_process_that_only_has_the_same_number_is_left_alone(
    folder: AccountFolder, orphan: subprocess.Popen[str], launch: Launch
) -> None:
    other, _ = launch(WAITING)
    (_, start) = record_of(folder)["processes"][0]
    write_record(folder, {"owner": [other.pid, start], "processes": [[other.pid, start]]})
    assert profile_owner(folder) is None
    ProfileClaim.take(folder).release()
    assert other.poll() is None
    assert orphan.poll() is None, "the record named it no more"


def test_a_process_that_ended_stays_recorded_as_it_was(folder: AccountFolder, launch: Launch) -> None:
    gone, other = launch(WAITING)[0], launch(WAITING)[0]
    claim = ProfileClaim.take(folder)
    claim.add(gone.pid)
    named = record_of(folder)["processes"][0]
    gone.kill()
    gone.wait()
    claim.add(other.pid)
    assert record_of(folder)["processes"][0] == named
    claim.release()


@pytest.mark.parametrize("seconds", [-86400, -1, 1, 86400], ids=["a day back", "1 s back", "1 s on", "a day on"])
def test_a_clock_that_is_set_hides_nobody(
    folder: AccountFolder, orphan: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """psutil reckons the start of a process from the time of day, so it gives another one once the clock was set."""
    at_start = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: at_start(process) + seconds)
    ProfileClaim.take(folder).release()
    assert has_ended(orphan.pid)


def test_a_clock_that_is_set_hides_no_owner(
    folder: AccountFolder, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, _ = launch(CLAIMING, str(folder.path))
    at_start = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: at_start(process) + 3600)
    assert profile_owner(folder) == owner.pid


@pytest.mark.skipif(sys.platform != "linux", reason="the boot is part of the start on Linux only")
def test_what_another_boot_recorded_is_not_ours(
    folder: AccountFolder, orphan: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("qwenproxy.browser.profile.BOOT_ID", tmp_path / "boot_id")
    (tmp_path / "boot_id").write_text("another-boot\n")
    ProfileClaim.take(folder).release()
    assert orphan.poll() is None


def test_a_start_without_boot_and_ticks_is_a_time_of_day(
    folder: AccountFolder, launch: Launch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("qwenproxy.browser.profile.BOOT_ID", tmp_path / "none")
    process, _ = launch(WAITING)
    claim = ProfileClaim.take(folder)
    claim.add(process.pid)
    assert record_of(folder)["processes"] == [[process.pid, psutil.Process(process.pid).create_time()]]
    assert profile_owner(folder) == os.getpid()
    claim.release()


def test_a_browser_on_the_profile_is_ended_though_no_record_names_it(folder: AccountFolder, launch: Launch) -> None:
    folder.path.mkdir(parents=True)
    browser, _ = launch(WAITING, f"--user-data-dir={folder.profile}")
    neighbour, _ = launch(WAITING, f"--user-data-dir={folder.path / 'profile2'}")
    ProfileClaim.take(folder).release()
    assert has_ended(browser.pid)
    assert neighbour.poll() is None


@pytest.mark.skipif(sys.platform != "linux", reason="read from the system's files on Linux only")
def test_the_start_is_not_mistaken_in_what_the_program_is_called(folder: AccountFolder, tmp_path: Path) -> None:
    odd = tmp_path / "a) S 1 ("
    odd.symlink_to(str(shutil.which("sleep")))
    claim = ProfileClaim.take(folder)
    with subprocess.Popen([odd, "600"]) as process:
        claim.add(process.pid)
        _, start = record_of(folder)["processes"][0]
        since_boot = int(start.partition("/")[2]) / os.sysconf("SC_CLK_TCK")
        assert since_boot == pytest.approx(psutil.Process(process.pid).create_time() - psutil.boot_time(), abs=2)
        claim.release()


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "[]",
        "null",
        "\udcff",
        {"processes": None},
        {"processes": 5},
        {"processes": [None, 5, "x", [], ["1"], [1, None], [-1, 0], [10**12, 0], {"pid": 1}]},
        {"owner": "me"},
    ],
    ids=spelled,
)
def test_an_unreadable_record_is_no_record(folder: AccountFolder, record: object) -> None:
    write_record(folder, "" if record == "\udcff" else record)
    if record == "\udcff":
        folder.browser_note.write_bytes(b"\xff\xfe")
    assert profile_owner(folder) is None
    claim = ProfileClaim.take(folder)
    assert record_of(folder)["owner"][0] == os.getpid()
    claim.release()


def test_a_process_that_is_gone_is_no_trouble(folder: AccountFolder, launch: Launch) -> None:
    process, _ = launch("print('up')")
    process.wait()
    claim = ProfileClaim.take(folder)
    claim.add(process.pid)
    claim.release()


def test_children_end_with_their_parent(launch: Launch) -> None:
    parent, child = launch(PARENT)
    end_processes([psutil.Process(parent.pid)])
    assert has_ended(parent.pid)
    assert has_ended(int(child))


def test_who_does_not_listen_is_killed(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwenproxy.browser.profile.END_WAIT", 0.1)
    process, up = launch(DEAF)
    assert up == "up"
    end_processes([psutil.Process(process.pid)])
    assert has_ended(process.pid)


def test_what_a_killed_server_left_in_its_folder_is_ended(tmp_path: Path) -> None:
    session = SessionFolder(tmp_path)
    left = session.account("a")
    killed, other = (subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2))
    with killed, other:
        started = psutil.Process(killed.pid).create_time()
        write_record(left, {"owner": [1, 0], "processes": [[killed.pid, started]]})
        held = ProfileClaim.take(session.account("b"))
        held.add(other.pid)
        end_leftovers(session)
        assert has_ended(killed.pid)
        assert other.poll() is None, "a browser in use was ended"
        assert not left.browser_note.exists()
        held.release()


def test_an_end_that_nobody_takes_note_of_is_an_end(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwenproxy.browser.profile.END_WAIT", 3600.0)
    _, child = launch(PARENT)
    ending = threading.Thread(target=end_processes, args=([psutil.Process(int(child))],), daemon=True)
    ending.start()
    ending.join(30)
    assert not ending.is_alive(), "it waits for somebody to read the exit status"


def test_a_process_that_is_ended_early_is_recorded_no_more(folder: AccountFolder, launch: Launch) -> None:
    first, second = launch(WAITING)[0], launch(WAITING)[0]
    claim = ProfileClaim.take(folder)
    for process in (first, second):
        claim.add(process.pid)
    claim.end(second.pid)
    assert has_ended(second.pid)
    assert [pid for pid, _ in record_of(folder)["processes"]] == [first.pid]
    assert first.poll() is None
    claim.release()


def test_what_runs_on_the_profile_ends_with_the_claim_whoever_started_it(folder: AccountFolder, launch: Launch) -> None:
    claim = ProfileClaim.take(folder)
    browser, _ = launch(WAITING, f"--user-data-dir={folder.profile}")
    neighbour, _ = launch(WAITING, f"--user-data-dir={folder.path / 'profile2'}")
    claim.release()
    assert has_ended(browser.pid)
    assert neighbour.poll() is None


@pytest.mark.parametrize("has_owner", [True, False], ids=["owner runs", "owner killed"])
def test_an_orphan_that_no_record_names_ends_once_the_owner_has(
    folder: AccountFolder, launch: Launch, has_owner: bool
) -> None:
    owner, _ = launch(CLAIMING, str(folder.path))
    browser, _ = launch(WAITING, f"--user-data-dir={folder.profile}")
    if not has_owner:
        owner.kill()
        owner.wait()
    end_orphans(folder.session)
    assert has_ended(browser.pid) != has_owner
