"""Remember which account has the file behind a URL, and for a while its bytes, so that another account can get it.

A list and a folder of contents in the session folder. The key is the URL without its query, because the query holds a
signature that changes. Knows neither the site nor HTTP.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from qwenproxy.disk import files
from qwenproxy.disk.cached import CachedFile
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.disk.locks import PathLock
from qwenproxy.upstream.files import SiteFile

MAX_UPLOADS = 1000
CONTENT_BYTES = 256 * 1024 * 1024  # of all contents together
CONTENT_AGE = 7 * 86400.0  # seconds after which a content is deleted

_COPY_FIELDS = tuple(field.name for field in fields(SiteFile))


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file. `copies`: one per account, newest last; `digest` names the bytes, "" if we never had them."""

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
        self._cached: CachedFile[dict[str, Upload]] = CachedFile(self._file, self._load)

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
        """Return the upload behind a URL, regardless of its query. Raises SetupError."""
        return self._uploads().get(address_of(url))

    def is_own_origin(self, url: str) -> bool:
        """Tell whether a URL has the origin of some upload. Raises SetupError."""
        origin = _origin(address_of(url))
        return any(_origin(address) == origin for address in self._uploads())

    def add(self, copy: SiteFile, data: bytes | None = None) -> Upload:
        """Remember a new upload, and its bytes if we have them. Raises SetupError."""
        digest = self._keep(data) if data is not None else ""
        return self._change(Upload(address_of(copy.url), digest, (copy,)))

    def add_copy(self, upload: Upload, copy: SiteFile) -> Upload:
        """Remember another account's copy of the file, or a change of a copy. Raises SetupError."""
        return self._change(upload.with_copy(copy))

    def data_of(self, upload: Upload) -> bytes | None:
        """Return the bytes if we still have them. Raises SetupError."""
        path = self._contents / upload.digest
        return files.read_bytes(path) if upload.digest and files.regular_status(path) else None

    def tidy(self) -> None:
        """Delete the contents that are too old, and the oldest ones if there are too many. Raises SetupError."""
        if not self._contents.is_dir():
            return
        with self._lock:
            contents = []
            for path in self._contents.glob("[0-9a-f]*"):
                if status := files.regular_status(path):
                    contents.append((status.st_mtime, status.st_size, path))
            files.sweep(self._contents, "*")
            room = CONTENT_BYTES
            for modified_at, size, path in sorted(contents, reverse=True):
                room -= size
                if room < 0 or modified_at < self._clock() - CONTENT_AGE:
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
            uploads = {address: each for address, each in self._uploads().items() if address != upload.address}
            uploads[upload.address] = upload
            for address in list(uploads)[:-MAX_UPLOADS]:
                del uploads[address]
            files.ensure_folder(self._file.parent)
            files.write_atomic(self._file, files.format_json([_row(each) for each in uploads.values()]))
            with self._reading:
                self._cached.put(uploads)  # to read a long list after each upload would cost more than all the rest
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
    """Return the key of an upload: its URL decoded, without query and fragment."""
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


def _row(upload: Upload) -> dict[str, Any]:
    copies = [{name: getattr(copy, name) for name in _COPY_FIELDS} for copy in upload.copies]
    return {"address": upload.address, "digest": upload.digest, "copies": copies}


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
