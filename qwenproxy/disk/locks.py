"""Exclusive use of a path among threads and processes.

Stands on files.py; every change of the state on disk holds one. Must not know what any file means.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from qwenproxy.disk.files import refused
from qwenproxy.errors import StorageError
from qwenproxy.texts import Phrase


class PathLock:
    """Exclusive use of a file or folder among the threads and processes that ask for it. Re-entrant.

    The lock file stands beside the path, and the system frees it when its holder dies. `lock_wait` is in seconds.
    """

    def __init__(self, path: Path, lock_wait: float = 15.0) -> None:
        self._path = path
        self._lock_wait = lock_wait
        self._threads = threading.RLock()
        self._processes = FileLock(path.with_name(f".{path.name}.lock"), mode=0o600, poll_interval=0.01)

    def __enter__(self) -> PathLock:
        """Wait for the turn. Raises StorageError after `lock_wait`, or if the platform cannot lock."""
        if not self._threads.acquire(timeout=self._lock_wait):
            raise self._busy()
        try:
            self._processes.acquire(timeout=self._lock_wait)
        except BaseException as error:
            self._threads.release()
            if isinstance(error, Timeout):
                raise self._busy() from error
            if isinstance(error, OSError):
                raise refused("lock_refused", self._path, error) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._processes.release()
        self._threads.release()

    def _busy(self) -> StorageError:
        return StorageError(Phrase("path_busy", path=self._path, seconds=f"{self._lock_wait:g}"))
