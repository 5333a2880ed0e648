"""The client API keys: Authorization.txt, one key a line, kept by a person or by `qwenproxy keys`.

The door checks them on every request, the command line changes them. Must not know HTTP; never logs a key.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from pathlib import Path

from qwenproxy.disk.cached import CachedFile, stamp
from qwenproxy.disk.files import ensure_folder, read_bytes, sweep, write_atomic
from qwenproxy.disk.locks import PathLock
from qwenproxy.errors import SetupError, StorageError
from qwenproxy.texts import Phrase

SHORT = 8  # characters; a shorter key can be guessed, but older files may have such keys, so they stay valid

_TEMPLATE = """\
# API keys of the clients that may use this proxy: one key per line.
# Blank lines and lines that begin with "#" do not count.
#
# Without any key a proxy that only this machine can reach lets every client in;
# one that others can reach lets nobody in, unless it was started with --insecure.
# With at least one key a client has to send the header
#     Authorization: Bearer <key>
# (x-api-key: <key> and api-key: <key> do as well).
#
# "qwenproxy keys add" makes a random key and writes it here.
# Changes take effect at once; no restart is needed.
"""


class KeyFile:
    """The keys in one file (contract 3), read again whenever it changes.

    Every method raises SetupError if the file is unreadable or disappeared, because that must never open the door.
    """

    def __init__(self, path: Path, template: str = _TEMPLATE) -> None:
        """`template` is the content of a file that has to be made."""
        self._path = path
        self._template = template
        self._mutex = threading.Lock()
        self._lock = PathLock(path)
        self._cache = CachedFile(path, self._load)

    @classmethod
    def open(cls, path: Path, template: str = _TEMPLATE) -> KeyFile:
        """Return the keys of a file, made with an explaining template if there is none. Raises SetupError."""
        key_file = cls(path, template)
        key_file.prepare()
        return key_file

    def prepare(self) -> None:
        """Create the file with an explaining template when there is none. Raises SetupError."""
        ensure_folder(self._path.parent)
        try:
            with self._lock:
                sweep(self._path.parent, self._path.name)
                if read_bytes(self._path) is None:
                    write_atomic(self._path, self._template.encode())
        except StorageError:
            # A read-only folder may still hold keys.
            if read_bytes(self._path) is None:
                raise

    @property
    def exists(self) -> bool:
        """Whether there is a file. Raises StorageError."""
        return stamp(self._path) is not None

    @property
    def enabled(self) -> bool:
        """Whether clients need a key at all."""
        return bool(self.keys())

    def keys(self) -> tuple[str, ...]:
        """Return the keys in the order of the file."""
        with self._mutex:
            return self._cache.get()

    def check(self, candidate: str) -> bool:
        """Tell whether `candidate` is one of the keys, in a time that does not depend on how much of it is right."""
        candidate_bytes = candidate.encode("utf-8", "surrogatepass")
        matches = [hmac.compare_digest(key.encode(), candidate_bytes) for key in self.keys()]
        return any(matches)

    def add(self, key: str | None = None) -> str:
        """Add `key`, or a new random one, and return it. A known key stays as it is. Raises SetupError.

        It has to be ASCII, because most clients cannot send a header of anything else; a key that a person wrote into
        the file by hand works for clients that can.
        """
        key = f"qp-{secrets.token_urlsafe(32)}" if key is None else key.strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key or key.startswith("#"):
            raise SetupError(Phrase("bad_key"))
        with self._lock:
            text = self._read()
            if key not in _keys_in(text):
                separator = "" if not text or text.endswith("\n") else "\n"
                write_atomic(self._path, f"{text}{separator}{key}\n".encode())
        return key

    def remove(self, key: str) -> bool:
        """Remove `key` and leave every other line alone; False when it is not there. Raises SetupError."""
        with self._lock:
            lines = self._read().splitlines(keepends=True)
            others = [line for line in lines if line.strip() != key.strip() or not _keys_in(line)]
            if len(others) == len(lines):
                return False
            write_atomic(self._path, "".join(others).encode())
        return True

    def _load(self) -> tuple[str, ...]:
        return _keys_in(self._read())

    def _read(self) -> str:
        data = read_bytes(self._path)
        if data is None:
            raise SetupError(Phrase("key_file_gone", path=self._path))
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise self._unreadable() from error
        if "\0" in text:
            raise self._unreadable()
        return text

    def _unreadable(self) -> SetupError:
        return SetupError(Phrase("key_file_unreadable", path=self._path))


def mask(key: str) -> str:
    """Return enough of a key to recognise it, but not enough to use it.

    A short key shows at most two letters and how many are hidden: `ab...+8`.
    """
    if len(key) > 16:
        return f"{key[:6]}...{key[-3:]}"
    beginning = key[: 2 if len(key) >= SHORT else len(key) // 4]
    return f"{beginning}...+{len(key) - len(beginning)}"


def _keys_in(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
