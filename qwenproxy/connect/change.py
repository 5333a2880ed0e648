"""Changes settings files of other programs: what a change would do, shown first, then written with a copy kept beside.

Knows the disk and the formats; must not know the terminal. Never changes a file that it could not read whole.
"""

from __future__ import annotations

import difflib
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qwenproxy.connect.formats import FORMATS
from qwenproxy.connect.formats.unreadable import Unreadable
from qwenproxy.connect.program import Location, Settings
from qwenproxy.disk.files import ensure_replaceable, refused, write_atomic
from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_COPY_ENDING = ".before-qwenproxy"


@dataclass(frozen=True, slots=True)
class Change:
    """What one settings file has (None: there is none) and is to have. `mode` is None for a file that is made."""

    path: Path
    before: bytes | None
    after: bytes
    mode: int | None
    holds_secret: bool

    @property
    def is_needed(self) -> bool:
        """Whether anything differs."""
        return self.before != self.after

    @property
    def becomes_private(self) -> bool:
        """Whether others could read the file until now, and may not read the key that comes into it."""
        is_open = self.mode is not None and bool(self.mode & 0o077)
        return os.name == "posix" and self.holds_secret and is_open

    def diff(self, secret: str = "", mask: str = "") -> list[str]:
        """Return the lines of a unified diff, with `mask` where the secret stands."""
        old, new = (_lines(data or b"", secret, mask) for data in (self.before, self.after))
        name = str(self.path)
        return list(difflib.unified_diff(old, new, name if self.before is not None else os.devnull, name, lineterm=""))

    def write(self) -> Path | None:
        """Write the file and return the copy of what was there, None for a file that is made.

        Raises SetupError if somebody changed it meanwhile, StorageError.
        """
        if _read(self.path) != self.before:
            raise SetupError(Phrase("connect_changed", path=self.path))
        copy = None if self.before is None else _keep_copy(self.path, self.before)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise refused("folder_refused", self.path.parent, error) from error
        mode = 0o600 if self.mode is None else self.mode
        write_atomic(self.path, self.after, mode & 0o700 if self.becomes_private else mode)
        return copy


def locate(location: Location, home: Path, variable: Callable[[str], str]) -> Path:
    """Return where a settings file is on this machine; `variable` returns what the environment says of a name."""
    named = variable(location.variable) if location.variable else ""
    if named:
        folder = Path(named).expanduser() / location.below
    else:
        elsewhere = {"darwin": location.on_mac, "win32": location.on_windows}.get(sys.platform, "")
        folder = home / (elsewhere or location.folder)
    candidates = [folder / name for name in (location.name, *location.others)]
    return next((path for path in candidates if path.exists()), candidates[0])


def plan(settings: Settings, path: Path, secret: str = "") -> Change:
    """Return what the settings do to the file at `path`. Links are followed. Raises SetupError, StorageError."""
    target = _resolve(path)
    ensure_replaceable(target)
    before = _read(target)
    mark = _BYTE_ORDER_MARK if before is not None and before.startswith(_BYTE_ORDER_MARK) else b""
    try:
        text = (before or b"")[len(mark) :].decode()
    except UnicodeDecodeError as error:
        raise SetupError(Phrase("connect_not_text", path=path)) from error
    try:
        merged = FORMATS[settings.format](text, settings.changes if text.strip() else settings.whole)
    except Unreadable as error:
        raise SetupError(Phrase("connect_unparsable", path=path, reason=error.reason)) from error
    after = mark + merged.encode()
    mode = None if before is None else stat.S_IMODE(target.stat().st_mode)
    return Change(target, before, after, mode, bool(secret) and secret.encode() in after)


def render(settings: Settings) -> str:
    """Return the settings as a file of their own, for people who write them in by hand."""
    return FORMATS[settings.format]("", settings.whole)


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # a link that leads to itself
        reason = error if isinstance(error, OSError) else OSError(40, os.strerror(40))
        raise refused("read_refused", path, reason) from error


def _read(path: Path) -> bytes | None:
    try:
        # A pipe or a device would never end.
        if path.exists() and not path.is_file():
            raise SetupError(Phrase("connect_no_regular", path=path))
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused("read_refused", path, error) from error


def _keep_copy(path: Path, data: bytes) -> Path:
    """Write a private copy beside a file, under the first free name, and return it. Raises StorageError."""
    number = 1
    while True:
        copy = path.with_name(f"{path.name}{_COPY_ENDING}{f'-{number}' if number > 1 else ''}")
        try:
            with open(copy, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            return copy
        except FileExistsError:
            number += 1
        except OSError as error:
            raise refused("write_refused", copy, error) from error


def _lines(data: bytes, secret: str, mask: str) -> list[str]:
    text = data.decode()
    return (text.replace(secret, mask) if secret else text).splitlines()
