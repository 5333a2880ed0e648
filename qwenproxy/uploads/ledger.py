"""Remembers which account holds the file behind a URL, and for a while the bytes, so that another account can have it.

A list and a folder of contents in the session folder. Files are found by their URL without its query, since
the signature in there changes. Knows neither the site nor HTTP.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from qwenproxy.disk import files
from qwenproxy.disk.cached import CachedFile
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.disk.locks import PathLock
from qwenproxy.upstream.files import SiteFile

MAX_UPLOADS = 1000
KEPT_BYTES = 256 * 1024 * 1024  # of all contents at hand
KEPT_FOR = 7 * 86400.0  # seconds a content stays at hand

_COPY_FIELDS = tuple(field.name for field in fields(SiteFile))


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file. `copies` are where it is, the newest last; `digest` names its bytes, "" if never seen."""

    address: str
    digest: str
    copies: tuple[SiteFile, ...]

    def copy_of(self, account_id: str) -> SiteFile | None:
        """Return the account's own copy."""
        return next((copy for copy in reversed(self.copies) if copy.account_id == account_id), None)

    def with_copy(self, copy: SiteFile) -> Upload:
        """Return this upload with another copy, in place of an older one of the same account."""
        others = tuple(each for each in self.copies if each.account_id != copy.account_id)
        return replace(self, copies=(*others, copy))


class Ledger:
    """All uploads of a session folder. Threads and processes may share it."""

    def __init__(self, session: SessionFolder, clock: Callable[[], float] = time.time) -> None:
        self._folder = session.root
        self._file = session.uploads
        self._contents = session.upload_contents
        self._clock = clock
        self._lock = PathLock(self._file)
        self._reading = threading.Lock()
        self._cached = CachedFile(self._file, self._load)

    @classmethod
    def open(cls, session: SessionFolder, clock: Callable[[], float] = time.time) -> Ledger:
        """Return the uploads of a session folder that is ready for use. Raises SetupError."""
        ledger = cls(session, clock)
        ledger.prepare()
        return ledger

    def prepare(self) -> None:
        """Create the folder if need be and clear what a crash left of an interrupted write. Raises SetupError."""
        files.ensure_folder(self._folder)
        with self._lock:
            files.sweep(self._folder, self._file.name)

    def find(self, url: str) -> Upload | None:
        """Return the upload behind a URL, whatever its query says. Raises SetupError."""
        return self._uploads().get(address_of(url))

    def is_own_origin(self, url: str) -> bool:
        """Tell whether uploads were stored where this URL leads. Raises SetupError."""
        origin = _origin(address_of(url))
        return any(_origin(address) == origin for address in self._uploads())

    def add(self, copy: SiteFile, data: bytes | None = None) -> Upload:
        """Remember a new upload, and its bytes if there are any. Raises SetupError."""
        digest = self._keep(data) if data is not None else ""
        return self._change(Upload(address_of(copy.url), digest, (copy,)))

    def add_copy(self, upload: Upload, copy: SiteFile) -> Upload:
        """Remember that another account has the file too, or something new about a copy. Raises SetupError."""
        return self._change(upload.with_copy(copy))

    def data_of(self, upload: Upload) -> bytes | None:
        """Return the bytes if they are still at hand. Raises SetupError."""
        path = self._contents / upload.digest
        return files.read_bytes(path) if upload.digest and files.regular_status(path) else None

    def tidy(self) -> None:
        """Delete contents that are too old, and the oldest of too many. Raises SetupError."""
        if not self._contents.is_dir():
            return
        with self._lock:
            found = []
            for path in self._contents.glob("[0-9a-f]*"):
                if status := files.regular_status(path):
                    found.append((status.st_mtime, status.st_size, path))
            files.sweep(self._contents, "*")
            room = KEPT_BYTES
            for modified, size, path in sorted(found, reverse=True):
                room -= size
                if room < 0 or modified < self._clock() - KEPT_FOR:
                    files.delete(path)

    def _keep(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            files.ensure_folder(self._contents)
            files.write_atomic(self._contents / digest, data)
        self.tidy()
        return digest

    def _uploads(self) -> Mapping[str, Upload]:
        with self._reading:
            return self._cached.get()

    def _change(self, upload: Upload) -> Upload:
        with self._lock:
            uploads = dict(self._uploads())
            uploads.pop(upload.address, None)
            uploads[upload.address] = upload
            newest = list(uploads.values())[-MAX_UPLOADS:]
            files.ensure_folder(self._file.parent)
            files.write_atomic(self._file, files.format_json([asdict(each) for each in newest]))
        return upload

    def _load(self) -> dict[str, Upload]:
        data = files.read_bytes(self._file)
        if data is None:
            return {}
        try:
            uploads = _parse_uploads(files.parse_json(data))
        except (ValueError, TypeError, KeyError) as error:
            files.set_aside(self._file, f"{type(error).__name__}: {error}"[:100])
            return {}
        return {upload.address: upload for upload in uploads}


def address_of(url: str) -> str:
    """Return a URL in the form by which uploads are found: decoded, without query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.lower()}{unquote(parts.path)}"


def _origin(address: str) -> str:
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _parse_uploads(rows: object) -> list[Upload]:
    if not isinstance(rows, list):
        raise ValueError("not a list of uploads")
    return [_upload(row) for row in rows]


def _upload(row: dict[str, Any]) -> Upload:
    copies = tuple(SiteFile(**{name: copy[name] for name in _COPY_FIELDS}) for copy in row["copies"])
    if not copies or not all(map(_is_sound, copies)) or not _is_digest(row["digest"]):
        raise ValueError("an entry is no upload")
    return Upload(str(row["address"]), row["digest"], copies)


def _is_sound(copy: SiteFile) -> bool:
    texts = (copy.account_id, copy.id, copy.url, copy.user_id, copy.name, copy.content_type, copy.kind)
    numbers = (copy.size, copy.uploaded_at)
    return all(isinstance(text, str) for text in texts) and all(isinstance(number, int | float) for number in numbers)


def _is_digest(text: object) -> bool:
    return isinstance(text, str) and (not text or (len(text) == 64 and set(text) <= set("0123456789abcdef")))
