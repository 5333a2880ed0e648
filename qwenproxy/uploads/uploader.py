"""Puts files on the site for one account: credentials and parsing through its page, the bytes by a signed PUT.

The relay lends an account by way of SiteCalls; the ledger remembers what clients can name again. Source: protocol 7.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from qwenproxy.browser.page import PageRequest
from qwenproxy.errors import RateLimited, RequestError, SetupError, TooLarge, UpstreamTimeout
from qwenproxy.uploads import file_types, object_store
from qwenproxy.uploads.file_types import FileType
from qwenproxy.uploads.ledger import Ledger, Upload
from qwenproxy.uploads.remote import RemoteFetcher
from qwenproxy.upstream import files
from qwenproxy.upstream.files import SiteFile, UploadCredentials

log = logging.getLogger(__name__)

PARSE_POLLS = 60  # questions whether a document has been read, before giving up
PARSE_PAUSE = 1.0  # seconds between them
REUSE_FOR = 3600.0  # seconds in which the same content is not uploaded again for the same account
REUSED = 500  # contents remembered for that


@dataclass(frozen=True, slots=True)
class SiteCalls:
    """An account that was lent: how to make its page call the site, and how to wait in between.

    Both raise ClientGone; `call` raises what the site's refusal means.
    """

    account_id: str
    call: Callable[[PageRequest], str]
    pause: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file at hand that may be uploaded."""

    name: str
    data: bytes
    type: FileType


class Uploader:
    """Uploads files and remembers them. `max_file_size` is in bytes."""

    def __init__(
        self,
        ledger: Ledger,
        max_file_size: int,
        *,
        put: Callable[[UploadCredentials, str, bytes], None] = object_store.put,
        fetcher: RemoteFetcher | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`ledger` remembers them, `put` writes to the object store; `clock` gives Unix seconds."""
        self.max_file_size = max_file_size
        self.ledger = ledger
        self.fetcher = fetcher or RemoteFetcher()
        self._put = put
        self._clock = clock
        self._recent: dict[tuple[str, str], SiteFile] = {}
        self._recent_lock = threading.Lock()

    def now(self) -> float:
        """Return the time by which uploads age (s since 1970)."""
        return self._clock()

    def check(self, name: str, data: bytes) -> LocalFile:
        """Return content as a file that the site takes. Raises RequestError, TooLarge."""
        if len(data) > self.max_file_size:
            raise self.too_large()
        name = file_types.clean_name(name)
        return LocalFile(name, data, file_types.identify(name, data))

    def check_announced(self, name: str, size: int) -> None:
        """Hold a client that uploads by itself to the limits of an upload. Raises RequestError, TooLarge."""
        if size > self.max_file_size:
            raise self.too_large()
        file_types.check_name(name)

    def too_large(self) -> TooLarge:
        """Return the error for a file over the limit."""
        return TooLarge(f"The file is over {self.max_file_size} bytes (QWENPROXY_MAX_FILE_SIZE).", param="file")

    def store(self, file: LocalFile, site: SiteCalls) -> SiteFile:
        """Upload a file for the account and wait until a document is read.

        Raises NetworkFailed, SiteFailure, ProtocolChanged, RequestError for a document that cannot be read,
        UpstreamTimeout, and what `site` raises.
        """
        credentials = files.parse_credentials(_credentials(file.name, len(file.data), file.type.kind, site))
        self._put(credentials, file.type.content_type, file.data)
        stored = self._site_file(credentials, file.name, len(file.data), site.account_id)
        return self.parse(replace(stored, content_type=file.type.content_type, kind=file.type.kind), site)

    def store_once(self, file: LocalFile, site: SiteCalls) -> SiteFile:
        """Upload a file unless the account got the same one of late: a conversation repeats its images every turn."""
        key = (site.account_id, _digest(file))
        stored = self._recent.get(key)
        if stored is None or not self._is_fresh(stored):
            stored = self.store(file, site)
            with self._recent_lock:
                self._recent[key] = stored
                if len(self._recent) > REUSED:
                    del self._recent[next(iter(self._recent))]
        return stored

    def is_stored(self, file: LocalFile) -> bool:
        """Tell whether some account got the same content of late, so that a question may do without an upload."""
        digest = _digest(file)
        with self._recent_lock:
            return any(key[1] == digest and self._is_fresh(stored) for key, stored in self._recent.items())

    def parse(self, file: SiteFile, site: SiteCalls) -> SiteFile:
        """Return the file as read by the site; only documents have to be. Raises RequestError, UpstreamTimeout."""
        if not file.needs_parsing:
            return file
        _call(site, files.begin_parsing(file.id))
        for _ in range(PARSE_POLLS):
            status = files.parsing_status(_call(site, files.ask_parsing(file.id)), file.id)
            if status == "success":
                return replace(file, parsed=True)
            if status == "failed":
                raise RequestError("The site cannot read this document.", param="file")
            site.pause(PARSE_PAUSE)
        raise UpstreamTimeout(f"The site did not read the document within {PARSE_POLLS * PARSE_PAUSE:.0f} s.")

    def remember(self, file: SiteFile, data: bytes | None) -> None:
        """Let later requests name an upload by its URL. A disk that refuses costs that, not the upload."""
        try:
            self.ledger.add(file, data)
        except SetupError as error:
            log.warning("account=%s upload %s is not remembered: %s", file.account_id, file.id, error.message)

    def remember_copy(self, upload: Upload, copy: SiteFile) -> Upload:
        """Let later requests find an account's copy of an upload too; return the upload with it."""
        try:
            return self.ledger.add_copy(upload, copy)
        except SetupError as error:
            log.warning("account=%s copy %s is not remembered: %s", copy.account_id, copy.id, error.message)
            return upload.with_copy(copy)

    def issue_credentials(self, name: str, size: int, kind: str, site: SiteCalls) -> dict[str, Any]:
        """Return the site's upload credentials, as it wrote them, for a client that uploads by itself.

        Raises ProtocolChanged, and what `site` raises.
        """
        found = _credentials(name, size, kind, site)
        stored = self._site_file(files.parse_credentials(found), name, size, site.account_id)
        kind = "file" if kind == "document" else kind
        self.remember(replace(stored, content_type=file_types.content_type_of_name(name), kind=kind), None)
        return found

    def _is_fresh(self, stored: SiteFile) -> bool:
        return self._clock() - stored.uploaded_at <= REUSE_FOR

    def _site_file(self, credentials: UploadCredentials, name: str, size: int, account_id: str) -> SiteFile:
        return SiteFile(
            account_id=account_id,
            id=credentials.file_id,
            url=credentials.file_url,
            user_id=credentials.file_path.partition("/")[0],
            name=name,
            size=size,
            content_type="",
            kind="",
            uploaded_at=self._clock(),
        )


def _digest(file: LocalFile) -> str:
    return hashlib.sha256(file.name.encode() + b"\0" + file.data).hexdigest()


def _credentials(name: str, size: int, kind: str, site: SiteCalls) -> dict[str, Any]:
    return files.credentials_object(_call(site, files.request_credentials(name, size, kind)))


def _call(site: SiteCalls, request: PageRequest) -> str:
    """Make a call about a file; a limit that it meets is one of uploads, not of the account."""
    try:
        return site.call(request)
    except RateLimited as error:
        error.kind = "upload"
        raise
