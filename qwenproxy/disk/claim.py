"""The server of a session folder: the lock that keeps a second server away, and the note where the first one listens.

`start` holds it for as long as it runs, the doctor reads it. Knows files and processes; no HTTP server.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from filelock import FileLock, Timeout

from qwenproxy.disk.files import delete, ensure_folder, format_json, parse_json, read_bytes, write_atomic
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError, StorageError
from qwenproxy.texts import Phrase

CLAIM_WAIT = 0.5  # seconds; a command that asks whether a server runs holds the lock for a moment


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The server of a session folder: its process id (0: unknown) and where it listens ("" and 0: not yet).

    `ollama_port` is its second port, 0 for none.
    """

    pid: int
    host: str = ""
    port: int = 0
    ollama_port: int = 0

    @property
    def url(self) -> str:
        """Where programs on this machine reach it, "" as long as it does not listen."""
        return local_url(self.host, self.port) if self.port else ""

    @property
    def ollama_url(self) -> str:
        """Where programs that speak Ollama's API reach it, "" as long as it does not listen."""
        return ollama_url(self.host, self.port, self.ollama_port) if self.port else ""


class SessionClaim:
    """The right to serve a session folder; made by `claimed_session`."""

    def __init__(self, session: SessionFolder) -> None:
        self._note = session.server_note

    def announce(self, host: str = "", port: int = 0, ollama_port: int = 0) -> None:
        """Note that this process has the folder, and where it listens. Raises StorageError."""
        write_atomic(self._note, format_json(asdict(RunningServer(os.getpid(), host, port, ollama_port))))


@contextlib.contextmanager
def claimed_session(session: SessionFolder) -> Iterator[SessionClaim]:
    """Hold the session folder for one server. Raises SetupError naming the server that has it, StorageError."""
    ensure_folder(session.root)
    lock = _lock(session)
    try:
        lock.acquire(timeout=CLAIM_WAIT, poll_interval=0.02)
    except Timeout:
        raise SetupError(_already_running(session)) from None
    except OSError as error:
        raise _no_lock(session, error) from error
    try:
        claim = SessionClaim(session)
        claim.announce()
        yield claim
    finally:
        with contextlib.suppress(SetupError):
            delete(session.server_note)  # without the lock it means nothing
        lock.release()


def running_server(session: SessionFolder) -> RunningServer | None:
    """Return the server that has this session folder now, None when there is none. Raises StorageError."""
    if not session.server_lock.exists():
        return None  # taking the lock would make its file
    try:
        with _lock(session):
            return None
    except Timeout:
        return _read_note(session)
    except OSError as error:
        raise _no_lock(session, error) from error


def local_url(host: str, port: int) -> str:
    """Return the address under which programs on this machine reach what listens on `host`."""
    address = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://{f'[{address}]' if ':' in address else address}:{port}"


def ollama_url(host: str, port: int, ollama_port: int | None) -> str:
    """Return the address of Ollama's API: the root of its own port, or below the main one if there is no other."""
    return local_url(host, ollama_port) if ollama_port else f"{local_url(host, port)}/ollama"


def _already_running(session: SessionFolder) -> Phrase:
    server = _read_note(session)
    pid = server.pid or "?"
    if server.url:
        return Phrase("already_running_at", path=session.root, pid=pid, url=server.url)
    return Phrase("already_running", path=session.root, pid=pid)


def _lock(session: SessionFolder) -> FileLock:
    return FileLock(session.server_lock, timeout=0, thread_local=False, mode=0o600)


def _no_lock(session: SessionFolder, error: OSError) -> StorageError:
    return StorageError(Phrase("lock_refused", path=session.root, reason=error.strerror or error))


def _read_note(session: SessionFolder) -> RunningServer:
    """Return what the folder's server wrote about itself; process id 0 if it has not written yet."""
    try:
        return RunningServer(**parse_json(read_bytes(session.server_note) or b""))
    except (SetupError, TypeError, ValueError):
        return RunningServer(0)
