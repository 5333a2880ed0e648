"""The files that the site made and a client wanted here: in a folder, by the address that they came from.

Their number is bounded by size and by age. Knows neither the site nor HTTP.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from qwenproxy.disk import files
from qwenproxy.errors import SetupError
from qwenproxy.upstream.works import without_key

log = logging.getLogger(__name__)

MOST_BYTES = 512 * 1024 * 1024  # of all files together
LONGEST_AGE = 7 * 86400.0  # seconds since a file was kept


class MediaStore:
    """The kept files. Threads may share it; a second process only finds fewer files."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time, most_bytes: int = MOST_BYTES) -> None:
        """`clock` gives seconds since 1970."""
        self._folder = folder
        self._clock = clock
        self._most_bytes = most_bytes
        self._lock = threading.Lock()

    def get(self, address: str) -> bytes | None:
        """Return the file from an address, None if it is not kept. Raises SetupError."""
        return files.read_bytes(self._path(address))

    def keep(self, address: str, data: bytes) -> None:
        """Keep a file; one that the disk does not take is only told in the log, because the client has it anyway."""
        try:
            with self._lock:
                files.ensure_folder(self._folder)
                files.write_atomic(self._path(address), data)
                self._tidy()
        except SetupError as error:
            log.warning("a picture or film is not kept: %s", error.message)
        except OSError as error:
            log.warning("the folder of pictures and films cannot be read: %s", error.strerror)

    def drop(self, address: str) -> None:
        """Delete a file. Raises SetupError. Idempotent."""
        files.delete(self._path(address))

    def _tidy(self) -> None:
        """Delete what is too old, then the oldest files until the rest fits."""
        states = [(path, state) for path in self._folder.iterdir() if (state := files.regular_status(path))]
        left, now = self._most_bytes, self._clock()
        for path, state in sorted(states, key=lambda each: -each[1].st_mtime):
            left -= state.st_size
            if left < 0 or now - state.st_mtime > LONGEST_AGE:
                files.delete(path)

    def _path(self, address: str) -> Path:
        return self._folder / hashlib.sha256(without_key(address).encode("utf-8", "replace")).hexdigest()[:40]
