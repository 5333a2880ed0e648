"""Who serves a session folder: the lock that keeps a second server away, and the note of where the first one listens.

Held by `start` for as long as it runs, read by the doctor. Knows files and processes; no HTTP server.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from qwenproxy.disk.files import delete, ensure_folder, format_json, parse_json, read_bytes, write_atomic
from qwenproxy.errors import SetupError, StorageError
from qwenproxy.texts import Phrase


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The server of a session folder: its process id (0: unknown) and where it listens ("" and 0: not yet)."""

    pid: int
    host: str = ""
    port: int = 0

    @property
    def url(self) -> str:
        """Where programs on this machine reach it, "" as long as it does not listen."""
        return local_url(self.host, self.port) if self.port else ""


class SessionClaim:
    """The right to serve a session folder; made by `claimed_session`."""

    def __init__(self, session_dir: Path) -> None:
        """Note that this process has the folder. Raises StorageError."""
        self._note = _note(session_dir)
        self._write(RunningServer(os.getpid()))

    def announce(self, host: str, port: int) -> None:
        """Note where this process listens. Raises StorageError."""
        self._write(RunningServer(os.getpid(), host, port))

    def _write(self, server: RunningServer) -> None:
        write_atomic(self._note, format_json(asdict(server)))


@contextlib.contextmanager
def claimed_session(session_dir: Path) -> Iterator[SessionClaim]:
    """Hold the session folder for one server. Raises SetupError naming the server that has it, StorageError."""
    ensure_folder(session_dir)
    lock = _lock(session_dir)
    try:
        lock.acquire()
    except Timeout:
        raise SetupError(_already_running(session_dir)) from None
    except OSError as error:
        raise _no_lock(session_dir, error) from error
    try:
        yield SessionClaim(session_dir)
    finally:
        with contextlib.suppress(SetupError):
            delete(_note(session_dir))  # without the lock it says nothing any more
        lock.release()


def running_server(session_dir: Path) -> RunningServer | None:
    """Return the server that has this session folder now, None when there is none. Raises StorageError."""
    try:
        with _lock(session_dir):
            return None
    except Timeout:
        return _noted(session_dir)
    except OSError as error:
        raise _no_lock(session_dir, error) from error


def local_url(host: str, port: int) -> str:
    """Return the address under which programs on this machine reach what listens on `host`."""
    reached = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"


def _already_running(session_dir: Path) -> Phrase:
    server = _noted(session_dir)
    pid = server.pid or "?"
    if server.url:
        return Phrase("already_running_at", path=session_dir, pid=pid, url=server.url)
    return Phrase("already_running", path=session_dir, pid=pid)


def _note(session_dir: Path) -> Path:
    return session_dir / "server.json"


def _lock(session_dir: Path) -> FileLock:
    return FileLock(session_dir / "server.lock", timeout=0, thread_local=False, mode=0o600)


def _no_lock(session_dir: Path, error: OSError) -> StorageError:
    return StorageError(Phrase("lock_refused", path=session_dir, reason=error.strerror or error))


def _noted(session_dir: Path) -> RunningServer:
    """Return what the folder's server wrote down of itself; it may be about to."""
    try:
        return RunningServer(**parse_json(read_bytes(_note(session_dir)) or b""))
    except (SetupError, TypeError, ValueError):
        return RunningServer(0)
