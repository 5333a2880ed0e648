"""Files that survive crashes: atomic writes, private folders, ids that may name a file.

Stands below everything that keeps state on disk (registry, history, keys) and turns what the operating system refuses
into a StorageError that names the path. Must not know what any file means.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
import secrets
import shutil
import stat
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson

from qwenproxy.disk.json_text import read_json, without_halves
from qwenproxy.errors import StorageError
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

TREE_TRIES, TREE_PAUSE = 20, 0.1  # attempts to delete a folder, seconds between them

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
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
        raise refused("folder_refused", folder, error) from error


def ensure_writable(folder: Path) -> None:
    """Create `folder` if need be, and check that files may be made there. Raises StorageError."""
    ensure_folder(folder)
    if not os.access(folder, os.W_OK):
        is_read_only = os.name == "posix" and os.statvfs(folder).f_flag & os.ST_RDONLY
        reason = errno.EROFS if is_read_only else errno.EACCES
        raise refused("write_refused", folder, OSError(reason, os.strerror(reason)))


def make_private(path: Path) -> None:
    """Take the rights of group and others away from `path`. Never raises."""
    try:
        mode = path.stat().st_mode
        # A sticky folder such as /tmp is shared on purpose.
        if os.name == "posix" and mode & 0o077 and not mode & stat.S_ISVTX:
            path.chmod(stat.S_IMODE(mode) & 0o700)
    except OSError as error:
        log.debug("rights of %s stay as they are: %s", path, error.strerror)


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace `path` by `data` so that a crash leaves either the old or the new content. Raises StorageError.

    The file gets `mode` and is on the disk when this returns.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb", opener=_open_private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode != 0o600:
            temporary.chmod(mode)
        _replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        _forget(temporary)
        raise refused("write_refused", path, error) from error


def write_named(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the file that a person named, as `write_atomic`; one behind a link in its own place. Raises StorageError.

    Refuses devices, pipes and folders, which a file must not replace.
    """
    ensure_replaceable(path)
    write_atomic(path.resolve(), data, mode)


def ensure_replaceable(path: Path) -> None:
    """Check that a path is a file, a link to one, or nothing yet. Raises StorageError."""
    try:
        is_replaceable = not path.exists() or path.is_file()
    except OSError as error:
        raise refused("look_refused", path, error) from error
    if not is_replaceable:
        raise StorageError(Phrase("no_regular_file", path=path))


def write_new(path: Path, data: bytes) -> None:
    """Write a file (0600) that must not exist yet, and leave none behind if that fails. Raises StorageError."""
    try:
        file = open(path, "xb", opener=_open_private)  # noqa: SIM115 - closed below, but only deleted if it is ours
    except OSError as error:
        raise refused("write_refused", path, error) from error
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        _forget(path)
        raise refused("write_refused", path, error) from error


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, 0 when there is none. Raises StorageError."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise refused("look_refused", path, error) from error


def sweep(folder: Path, name: str) -> None:
    """Remove what interrupted writes of `name` (a glob pattern) left in `folder`.

    Call it with the lock held under which these files are written: a write under way looks the same.
    """
    for leftover in folder.glob(f".{name}.*.tmp"):
        _forget(leftover)


def delete(path: Path) -> bool:
    """Remove a file; False when there was none. Only `sync_folder` makes that survive a crash. Raises StorageError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise refused("delete_refused", path, error) from error
    return True


def delete_tree(folder: Path) -> bool:
    """Remove a folder with all that is in it; False when there was none. Raises OSError.

    Tries for two seconds: the last processes of a browser that has ended may still write there.
    """
    if not folder.exists():
        return False
    for _ in range(TREE_TRIES):
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
            return True
        time.sleep(TREE_PAUSE)
    if folder.exists():
        shutil.rmtree(folder)
    return True


def sync_folder(folder: Path) -> None:
    """Put the folder's entries on the disk, if the platform can."""
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
        # The target of a link is not ours to change.
        if regular_status(target):
            make_private(target)
    except OSError as error:
        raise refused("set_aside_refused", path, error) from error
    log.warning("%s is unreadable (%s): kept as %s", path, reason, target.name)
    return target


def read_bytes(path: Path) -> bytes | None:
    """Return the content without a byte order mark, None when there is no such file. Raises StorageError."""
    try:
        return path.read_bytes().removeprefix(_BYTE_ORDER_MARK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused("read_refused", path, error) from error


def parse_json(data: bytes) -> Any:
    """Return what a file's JSON says. Raises ValueError."""
    return read_json(data)


def read_rows(path: Path, what: str) -> list[Any]:
    """Return the rows of a file of `what`: a JSON array, [] if there is no file. One that is none is set aside.

    Raises StorageError.
    """
    data = read_bytes(path)
    if data is None:
        return []
    try:
        rows = parse_json(data)
        if not isinstance(rows, list):
            raise ValueError(f"not a list of {what}")
    except ValueError as error:
        set_aside(path, str(error))
        return []
    return rows


def format_json(value: object) -> bytes:
    """Write a value as indented JSON that `parse_json` reads back."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        return without_halves(json.dumps(value, ensure_ascii=False, indent=2)).encode() + b"\n"


def regular_status(path: Path) -> os.stat_result | None:
    """Return the status of a regular file, None for links, folders, pipes and for nothing. Raises StorageError.

    Looks at the entry itself, so that no link misleads it and no pipe blocks it.
    """
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise refused("look_refused", path, error) from error
    return status if stat.S_ISREG(status.st_mode) else None


def refused(key: str, path: Path, error: OSError) -> StorageError:
    """Return the error for what the operating system refused; `key` names the text that says so."""
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
