"""The parsed content of a file, read again when its stamp has changed.

Stands on files.py, for files that are looked at often: registry, keys, history. Must not know what any file means.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from qwenproxy.disk.files import refused

T = TypeVar("T")
Stamp = tuple[int, int, int]

# Two writes within one tick of the file system's clock can carry the same time, so a younger file is read again.
_SETTLED_NS = 50_000_000


def stamp(path: Path) -> Stamp | None:
    """Return what changes whenever the file changes (ns, size, inode), None without a file. Raises StorageError."""
    try:
        return stamp_of(path.stat())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused("look_refused", path, error) from error


def stamp_of(status: os.stat_result) -> Stamp:
    """Return the stamp of a file whose status is known already."""
    return (status.st_mtime_ns, status.st_size, status.st_ino)


class CachedFile(Generic[T]):
    """The parsed content of a file, read again when the file has changed. The caller keeps threads apart."""

    def __init__(self, path: Path, load: Callable[[], T]) -> None:
        self._path = path
        self._load = load
        self._latest: tuple[Stamp | None, T] | None = None

    def get(self) -> T:
        """Return the content as of now, for the price of one stat if nothing changed. Raises what `load` raises."""
        file_stamp = stamp(self._path)
        if self._latest is not None and self._latest[0] == file_stamp:
            return self._latest[1]
        value = self._load()
        if file_stamp is None or time.time_ns() - file_stamp[0] > _SETTLED_NS:
            self._latest = (file_stamp, value)
        return value

    def put(self, value: T) -> None:
        """Note what the caller has just written, under the lock that keeps other writers away. Raises StorageError."""
        self._latest = (stamp(self._path), value)
