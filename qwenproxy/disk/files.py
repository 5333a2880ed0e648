"""Files that survive crashes and company: atomic writes, locks between processes, ids that may name a file.

Stands below everything that keeps state on disk (registry, history, keys) and turns what the operating system refuses
into a StorageError that names the path. Must not know what any file means.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import secrets
import stat
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import orjson
from filelock import FileLock, Timeout

from qwenproxy.disk.json_text import read_json, without_halves
from qwenproxy.errors import StorageError
from qwenproxy.texts import Phrase

T = TypeVar("T")
Stamp = tuple[int, int, int]

log = logging.getLogger(__name__)

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Two writes within one tick of the file system's clock can carry the same time, so a younger file is read again.
_SETTLED_NS = 50_000_000
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)


def valid_id(text: object) -> bool:
    """Tell whether `text` may name a file or a folder, on every platform.

    At most 128 bytes of UTF-8; letters of any script are welcome.
    """
    if not isinstance(text, str) or not text.isprintable():
        return False
    return (
        1 <= len(text.encode()) <= 128
        and not any(character in '<>:"/\\|?*' for character in text)
        and ".." not in text
        and text[0] not in ". "
        and text[-1] not in ". "
        and not _WINDOWS_DEVICE.fullmatch(text)
    )


def ensure_folder(folder: Path) -> None:
    """Create `folder` and its parents, for its owner alone (0700). Raises StorageError."""
    try:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        if not missing and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
        make_private(folder)
    except OSError as error:
        raise _refused("folder_refused", folder, error) from error


def ensure_writable(folder: Path) -> None:
    """Create `folder` if need be, and see whether files may be made there. Raises StorageError."""
    ensure_folder(folder)
    if not os.access(folder, os.W_OK):
        is_read_only = os.name == "posix" and os.statvfs(folder).f_flag & os.ST_RDONLY
        reason = errno.EROFS if is_read_only else errno.EACCES
        raise _refused("write_refused", folder, OSError(reason, os.strerror(reason)))


def make_private(path: Path) -> None:
    """Take the rights of group and others away from `path`. Never raises."""
    try:
        mode = path.stat().st_mode
        # A sticky folder such as /tmp is shared on purpose.
        if os.name == "posix" and mode & 0o077 and not mode & stat.S_ISVTX:
            path.chmod(stat.S_IMODE(mode) & 0o700)
    except OSError as error:
        log.debug("rights of %s stay as they are: %s", path, error.strerror)


def write_atomic(path: Path, data: bytes) -> None:
    """Replace `path` by `data` so that a crash leaves either the old or the new content. Raises StorageError.

    The file gets mode 0600 and is on the disk when this returns.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb", opener=_open_private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        _forget(temporary)
        raise _refused("write_refused", path, error) from error


def sweep(folder: Path, name: str) -> None:
    """Remove what interrupted writes of `name` (a glob pattern) left in `folder`.

    Call it with the lock held under which these files are written: a write under way looks the same.
    """
    for leftover in folder.glob(f".{name}.*.tmp"):
        _forget(leftover)


def delete(path: Path) -> bool:
    """Remove a file; False when there was none. Raises StorageError. `sync_folder` makes it last."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _refused("delete_refused", path, error) from error
    return True


def sync_folder(folder: Path) -> None:
    """Put the folder's entries on the disk, where the platform can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def set_aside(path: Path, reason: str) -> Path:
    """Move an unreadable file out of the way, say so in the log, and return its new path. Raises StorageError."""
    moment = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    target = path.with_name(f"{path.name}.corrupt-{moment}")
    try:
        _replace(path, target)
        # What a link leads to is not ours to change.
        if regular_status(target):
            make_private(target)
    except OSError as error:
        raise _refused("set_aside_refused", path, error) from error
    log.warning("%s is unreadable (%s): kept as %s", path, reason, target.name)
    return target


def read_bytes(path: Path) -> bytes | None:
    """Return the content without a byte order mark, None when there is no such file. Raises StorageError."""
    try:
        return path.read_bytes().removeprefix(_BYTE_ORDER_MARK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused("read_refused", path, error) from error


def parse_json(data: bytes) -> Any:
    """Return what a file's JSON says. Raises ValueError."""
    return read_json(data)


def format_json(value: object) -> bytes:
    """Write a value as indented JSON that `parse_json` reads back."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        return without_halves(json.dumps(value, ensure_ascii=False, indent=2)).encode() + b"\n"


def regular_status(path: Path) -> os.stat_result | None:
    """Return the status of a regular file, None for links, folders, pipes and for nothing. Raises StorageError.

    Looks at the entry itself, which no link can lead astray and no pipe can hold up.
    """
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _refused("look_refused", path, error) from error
    return status if stat.S_ISREG(status.st_mode) else None


def stamp(path: Path) -> Stamp | None:
    """Return what changes whenever the file changes (ns, size, inode), None without a file. Raises StorageError."""
    try:
        return stamp_of(path.stat())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused("look_refused", path, error) from error


def stamp_of(status: os.stat_result) -> Stamp:
    """Return the stamp of a file whose status is known already."""
    return (status.st_mtime_ns, status.st_size, status.st_ino)


class CachedFile(Generic[T]):
    """The parsed content of a file, read again when the file has changed. The caller keeps threads apart."""

    def __init__(self, path: Path, load: Callable[[], T]) -> None:
        self._path = path
        self._load = load
        self._loaded: tuple[Stamp | None, T] | None = None

    def get(self) -> T:
        """Return the content as of now, for the price of one stat where nothing changed. Raises what `load` raises."""
        seen = stamp(self._path)
        if self._loaded is not None and self._loaded[0] == seen:
            return self._loaded[1]
        value = self._load()
        if seen is None or time.time_ns() - seen[0] > _SETTLED_NS:
            self._loaded = (seen, value)
        return value


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
        """Wait for the turn. Raises StorageError after `lock_wait`, or where the platform cannot lock."""
        if not self._threads.acquire(timeout=self._lock_wait):
            raise self._busy()
        try:
            self._processes.acquire(timeout=self._lock_wait)
        except BaseException as error:
            self._threads.release()
            if isinstance(error, Timeout):
                raise self._busy() from error
            if isinstance(error, OSError):
                raise _refused("lock_refused", self._path, error) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._processes.release()
        self._threads.release()

    def _busy(self) -> StorageError:
        return StorageError(Phrase("path_busy", path=self._path, seconds=f"{self._lock_wait:g}"))


def _refused(key: str, path: Path, error: OSError) -> StorageError:
    return StorageError(Phrase(key, path=path, reason=error.strerror or error))


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.debug("%s stays behind: %s", path, error.strerror)


def _replace(source: Path, target: Path) -> None:
    # Windows refuses while somebody has the target open; readers are done within milliseconds.
    for _ in range(20 if sys.platform == "win32" else 0):
        try:
            source.replace(target)
            return
        except PermissionError:
            time.sleep(0.025)
    source.replace(target)
