"""Claim a Chrome profile, record its processes, and end the browsers that a killed server left.

The process that has a profile open holds a lock file, and so does one that has an account in a shared browser. The
record `browser.json` in the same folder names the processes of the profile, by id *and* start, so that we never mistake
a reused id for ours. We end only these, and browsers on a profile that we have claimed.
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

from qwenproxy.disk.folder import BrowserFolder, SessionFolder
from qwenproxy.errors import SetupError, StorageError
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

END_WAIT = 3.0  # seconds a process gets to end by itself before it is killed
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # changes with each start of the machine; Linux only

_Identity = list[int | str | float]  # a process's id and start


class ProfileInUse(SetupError):
    """Another running qwenproxy process has the profile open."""


class ProfileClaim:
    """The right to open one profile, or one account in a shared browser, until its release."""

    def __init__(self, folder: BrowserFolder) -> None:
        """Claim nothing yet: `take` does."""
        self._folder = folder
        self._record = folder.browser_note
        self._processes: list[psutil.Process] = []
        self._identities: list[_Identity] = []  # of these processes, read at their start: the system may reuse an id
        # We hold it while the browser is open; the system frees it when this process dies, however it dies.
        self._lock = FileLock(folder.browser_lock, timeout=0, thread_local=False, mode=0o600)

    @classmethod
    def take(cls, folder: BrowserFolder) -> ProfileClaim:
        """Claim the profile of the folder, which need not be there, and end the browsers that a killed server left.

        Raises ProfileInUse with the id of the process that holds it, StorageError if the disk refuses.
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
        """Record a process of this profile."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            self._identities.append(_identity(process))
            self._processes.append(process)
        self._write()

    def end(self, pid: int) -> None:
        """End a recorded process and forget it."""
        end_processes([process for process in self._processes if process.pid == pid])
        self._processes = [process for process in self._processes if process.pid != pid]
        self._identities = [identity for identity in self._identities if identity[0] != pid]
        self._write()

    def release(self) -> None:
        """End every process that still runs for the profile, and free it. Idempotent."""
        if not self._lock.is_locked:
            return  # the profile may have a new owner, with a record of its own
        end_processes(self._processes)
        # A script that starts the browser in the background and ends leaves only itself in the record.
        end_processes(_browsers_on(self._folder))
        self._processes, self._identities = [], []
        try:
            self._record.unlink(missing_ok=True)
        except OSError as error:
            # Harmless: it names processes that have ended, and the next start writes it anew.
            log.warning("%s stays behind: %s", self._record, error.strerror)
        self._lock.release()

    def _acquire(self) -> None:
        self._folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock.acquire()
        self._end_leftovers()
        self._write()

    def _write(self) -> None:
        entry = {"owner": _identity(psutil.Process()), "processes": self._identities}
        draft = self._record.with_name(f"{self._record.name}.new")
        draft.write_text(json.dumps(entry))
        draft.chmod(0o600)
        os.replace(draft, self._record)

    def _end_leftovers(self) -> None:
        leftovers = list({*_recorded_processes(self._record), *_browsers_on(self._folder)})
        if leftovers:
            log.warning("%s: ending %d browser processes a killed server left", self._folder.path, len(leftovers))
            end_processes(leftovers)
        for name in ("SingletonLock", "SingletonSocket", "SingletonCookie"):
            (self._folder.profile / name).unlink(missing_ok=True)


def profile_owner(folder: BrowserFolder) -> int | None:
    """Return the id of the process to stop so that the folder's profile or account becomes free, None if it is free.

    This is the process that holds the profile, or its parent if that is our server, which would start it anew.
    """
    owner = _process_of(_read(folder.browser_note).get("owner"))
    if owner is None:
        return None
    server = _read(folder.session.server_note).get("pid")
    with contextlib.suppress(psutil.Error):
        if server == owner.ppid():
            return int(server)
    return owner.pid


def end_leftovers(session: SessionFolder) -> None:
    """End the browsers that a killed server left in its session folder, except those on profiles in use."""
    # All at once: each browser takes seconds to write its profile, and the starting server waits for them.
    with ThreadPoolExecutor(thread_name_prefix="leftovers") as threads:
        list(threads.map(_end_leftover, _folders_with_note(session)))


def end_orphans(session: SessionFolder) -> None:
    """End the browsers of a session folder whose owner has ended. Claims no profile: a new owner may need it now."""
    orphans: list[psutil.Process] = []
    for folder in _folders_with_note(session):
        leftovers = {*_recorded_processes(folder.browser_note), *_browsers_on(folder)}
        # Read the record last: a new owner writes it before it starts a browser.
        if profile_owner(folder) is None:
            orphans += leftovers
    end_processes(orphans)


def _folders_with_note(session: SessionFolder) -> list[BrowserFolder]:
    return [folder for folder in session.browser_folders() if folder.browser_note.exists()]


def _end_leftover(folder: BrowserFolder) -> None:
    try:
        ProfileClaim.take(folder).release()
    except ProfileInUse:
        pass
    except StorageError as error:
        log.warning("%s: what a browser left stays behind: %s", folder.path, error.message)


def disk_refuses(folder: BrowserFolder, error: OSError) -> StorageError:
    """Return the error for a folder in which a browser's files cannot be written."""
    return StorageError(Phrase("write_refused", path=error.filename or folder.path, reason=error.strerror or error))


def end_processes(processes: list[psutil.Process]) -> None:
    """Terminate the processes; kill them and their descendants that run on after END_WAIT.

    A virtual screen comes last: a browser that loses its screen ends at once, without writing its profile.
    """
    screens = [process for process in processes if _is_screen(process)]
    _end([process for process in processes if process not in screens])
    _end(screens)


def _is_screen(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.name() == "Xvfb")
    return False


def _end(processes: list[psutil.Process]) -> None:
    family = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            family += process.children(recursive=True)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    survivors = _await_end(family)
    for process in survivors:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _await_end(survivors)


def _await_end(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Wait until the processes have ended; return those that run on after END_WAIT.

    A zombie has ended: in a container it may stay one for ever, because no process waits for it.
    """
    deadline = time.monotonic() + END_WAIT
    while (survivors := [process for process in processes if _runs(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return survivors


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _identity(process: psutil.Process) -> _Identity:
    return [process.pid, _start(process)]


def _start(process: psutil.Process) -> str | float:
    """Return when a process started, in a form that no later process with its id has.

    On Linux in clock ticks since this boot, because a time of day changes when somebody sets the clock. Elsewhere in
    Unix seconds.
    """
    try:
        boot = BOOT_ID.read_text().strip()
        # The program's name in brackets may contain brackets and spaces itself: count from its end.
        fields = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return process.create_time()
    return f"{boot}/{int(fields[19])}"


def _process_of(identity: Any) -> psutil.Process | None:
    try:
        process = psutil.Process(int(identity[0]))
        return process if _has_start(process, identity[1]) and _runs(process) else None
    except (TypeError, ValueError, LookupError, psutil.Error):
        return None


def _has_start(process: psutil.Process, start: Any) -> bool:
    if isinstance(start, str):
        return start == _start(process)
    return abs(process.create_time() - float(start)) < 1.0  # not on Linux, or written by an earlier version


def _browsers_on(folder: BrowserFolder) -> list[psutil.Process]:
    """Return the browser processes on the profile, recorded or not, with the children of a browser that died.

    The screen of such a browser is one of them.
    """
    mark, screen = f"--user-data-dir={folder.profile.resolve()}", str(folder.display_authority.resolve())
    browsers = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or [""]
        # Chrome's children show their command line as one word.
        if mark in words or mark in words[0] or ("-auth" in words and screen in words):
            browsers.append(process)
    return browsers


def _recorded_processes(record: Path) -> list[psutil.Process]:
    """Return the recorded processes that still run."""
    entries = _read(record).get("processes")
    return [process for each in (entries if isinstance(entries, list) else ()) if (process := _process_of(each))]


def _read(record: Path) -> dict[str, Any]:
    # We can do without an unreadable record: it only names processes, and the next start writes it anew.
    try:
        entry = json.loads(record.read_text())
    except (OSError, ValueError):
        return {}
    return entry if isinstance(entry, dict) else {}
