"""Who holds a Chrome profile: the ownership record beside it, and the ending of browsers that a killed server left.

A lock file says whether the profile is held. The record `browser.json` in the account's folder names the processes that
belong to it, by id *and* start, so that a reused id is never mistaken for ours. Only those are ever ended, and whatever
runs as a browser on a profile that was claimed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.errors import SetupError, StorageError
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

END_WAIT = 3.0  # seconds a process gets to end by itself before it is killed
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # another one after each start of the machine; Linux only

_Named = list[int | str | float]  # a process's id and start


class ProfileInUse(SetupError):
    """Another running qwenproxy process has the profile open."""


class ProfileClaim:
    """The right to open one profile, from claim to release."""

    def __init__(self, folder: AccountFolder) -> None:
        """`take` claims the profile of the account folder."""
        self._folder = folder
        self._record = folder.browser_note
        self._processes: list[psutil.Process] = []
        self._named: list[_Named] = []  # the same, as they were at their start: a number may be another's later
        # Held for as long as the browser is open; the system frees it when this process dies, however it dies.
        self._lock = FileLock(folder.browser_lock, timeout=0, thread_local=False, mode=0o600)

    @classmethod
    def take(cls, folder: AccountFolder) -> ProfileClaim:
        """Claim the profile of the account folder, and end the browsers that a killed server left on it.

        Raises ProfileInUse naming the process that has it, StorageError when the disk refuses.
        """
        claim = cls(folder)
        try:
            claim._acquire()
        except Timeout:
            owner = profile_owner(folder)
            raise ProfileInUse(Phrase("profile_held", id=folder.id, pid=owner or "?")) from None
        except OSError as error:
            claim._lock.release()
            raise disk_refuses(folder, error) from error
        return claim

    def add(self, pid: int) -> None:
        """Record a process that lives for this profile."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            self._named.append(_named(process))
            self._processes.append(process)
        self._write()

    def end(self, pid: int) -> None:
        """End a recorded process and forget it."""
        end_processes([process for process in self._processes if process.pid == pid])
        self._processes = [process for process in self._processes if process.pid != pid]
        self._named = [named for named in self._named if named[0] != pid]
        self._write()

    def release(self) -> None:
        """End every process that still runs for the profile, and give it free. Idempotent."""
        if not self._lock.is_locked:
            return  # the profile may have a new owner, with a record of its own
        end_processes(self._processes)
        # A launcher that started the browser in the background and ended is all that was recorded.
        end_processes(_browsers_on(self._folder.profile))
        self._processes, self._named = [], []
        try:
            self._record.unlink(missing_ok=True)
        except OSError as error:
            # It names processes that have ended, and is written anew at the next start.
            log.warning("%s stays behind: %s", self._record, error.strerror)
        self._lock.release()

    def _acquire(self) -> None:
        self._folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock.acquire()
        self._end_leftovers()
        self._folder.profile.mkdir(mode=0o700, exist_ok=True)
        self._write()

    def _write(self) -> None:
        entry = {"owner": _named(psutil.Process()), "processes": self._named}
        fresh = self._record.with_name(f"{self._record.name}.new")
        fresh.write_text(json.dumps(entry))
        fresh.chmod(0o600)
        os.replace(fresh, self._record)

    def _end_leftovers(self) -> None:
        left = list({*_left(self._record), *_browsers_on(self._folder.profile)})
        if left:
            log.warning("account=%s ending %d browser processes a killed server left", self._folder.id, len(left))
            end_processes(left)
        for name in ("SingletonLock", "SingletonSocket", "SingletonCookie"):
            (self._folder.profile / name).unlink(missing_ok=True)


def profile_owner(folder: AccountFolder) -> int | None:
    """Return the id of the process to stop for the account folder's profile to become free, None when it is.

    It is the one that has it open, or the server that started that one and would start it anew.
    """
    owner = _running(_read(folder.browser_note).get("owner"))
    if owner is None:
        return None
    server = _read(folder.session.server_note).get("pid")
    with contextlib.suppress(psutil.Error):
        if server == owner.ppid():
            return int(server)
    return owner.pid


def end_leftovers(session: SessionFolder) -> None:
    """End the browsers that a server left behind in its session folder; profiles in use are left alone."""
    # All at once: each takes its seconds to write down what it knows, and a server that starts waits for them.
    with ThreadPoolExecutor(thread_name_prefix="leftovers") as threads:
        list(threads.map(_end_leftover, _folders_with_note(session)))


def end_orphans(session: SessionFolder) -> None:
    """End the browsers of a session folder whose owner has ended, without a claim: a new owner may be about to come."""
    orphans: list[psutil.Process] = []
    for folder in _folders_with_note(session):
        left = {*_left(folder.browser_note), *_browsers_on(folder.profile)}
        # Looked at last: a new owner has signed the record before it starts a browser.
        if profile_owner(folder) is None:
            orphans += left
    end_processes(orphans)


def _folders_with_note(session: SessionFolder) -> list[AccountFolder]:
    return [folder for folder in session.account_folders() if folder.browser_note.exists()]


def _end_leftover(folder: AccountFolder) -> None:
    try:
        ProfileClaim.take(folder).release()
    except ProfileInUse:
        pass
    except StorageError as error:
        log.warning("account=%s what a browser left stays behind: %s", folder.id, error.message)


def disk_refuses(folder: AccountFolder, error: OSError) -> StorageError:
    """Return the error for an account folder that does not take what a browser needs."""
    return StorageError(Phrase("write_refused", path=error.filename or folder.path, reason=error.strerror or error))


def end_processes(processes: list[psutil.Process]) -> None:
    """End the processes and all their descendants: politely first, then for certain."""
    family = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            family += process.children(recursive=True)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    alive = _await_end(family)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _await_end(alive)


def _await_end(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Wait until the processes have ended; return those that run on after END_WAIT.

    One that ended counts even while its parent has not taken note of it: in a container nobody may ever do so.
    """
    deadline = time.monotonic() + END_WAIT
    while (running := [process for process in processes if _runs(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return running


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _named(process: psutil.Process) -> _Named:
    return [process.pid, _start(process)]


def _start(process: psutil.Process) -> str | float:
    """Return when a process started, in a form that no later one with its number shares.

    On Linux in clock ticks since this boot: as a time of day it would be another one once the clock is set. Elsewhere
    in Unix seconds.
    """
    try:
        boot = BOOT_ID.read_text().strip()
        # What stands in brackets is the program's name, which may hold brackets and spaces itself.
        fields = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return process.create_time()
    return f"{boot}/{int(fields[19])}"


def _running(named: Any) -> psutil.Process | None:
    try:
        process = psutil.Process(int(named[0]))
        return process if _started(process, named[1]) and _runs(process) else None
    except (TypeError, ValueError, LookupError, psutil.Error):
        return None


def _started(process: psutil.Process, start: Any) -> bool:
    if isinstance(start, str):
        return start == _start(process)
    return abs(process.create_time() - float(start)) < 1.0  # not on Linux, or written by an earlier version


def _browsers_on(profile: Path) -> list[psutil.Process]:
    """Return the browsers that run on the profile, recorded or not, and what is left of one that died."""
    mark = f"--user-data-dir={profile.resolve()}"
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or [""]
        if mark in words or mark in words[0]:  # Chrome's children write theirs as one word
            found.append(process)
    return found


def _left(record: Path) -> list[psutil.Process]:
    """Return the recorded processes that still run."""
    named = _read(record).get("processes")
    return [process for each in (named if isinstance(named, list) else ()) if (process := _running(each))]


def _read(record: Path) -> dict[str, Any]:
    # An unreadable record is no record: it only ever names processes, and is written anew at the next start.
    try:
        entry = json.loads(record.read_text())
    except (OSError, ValueError):
        return {}
    return entry if isinstance(entry, dict) else {}
