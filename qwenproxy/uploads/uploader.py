"""Put files on the site for one account: credentials and parsing through its page, the bytes by a signed PUT.

The relay lends an account as SiteCalls; the ledger remembers uploads that clients can name again. Source: protocol 7.
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
from qwenproxy.observe.pictures import AnsweredPictures
from qwenproxy.uploads import file_types
from qwenproxy.uploads.file_types import FileType
from qwenproxy.uploads.ledger import Ledger, Upload
from qwenproxy.uploads.object_store import ObjectStore
from qwenproxy.uploads.remote import RemoteFetcher
from qwenproxy.uploads.sound_types import identify_sound
from qwenproxy.upstream import files
from qwenproxy.upstream.files import SiteFile, UploadCredentials

log = logging.getLogger(__name__)

PARSE_POLLS = 60  # times that we ask whether the site has read a document
PARSE_PAUSE = 1.0  # seconds between them
REUSE_FOR = 3600.0  # seconds in which we do not upload the same content for the same account again
MOST_RECENT = 500  # uploads that we remember for this


@dataclass(frozen=True, slots=True)
class SiteCalls:
    """An account on loan: how to call the site through its page, and how to wait between two calls.

    Both raise ClientGone; `call` raises the error behind a failed answer.
    """

    account_id: str
    call: Callable[[PageRequest], str]
    pause: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file that we have and may upload."""

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
        put: Callable[[UploadCredentials, str, bytes, str], None] = ObjectStore().put,  # noqa: B008 - a value
        fetcher: RemoteFetcher | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`ledger` remembers them, `put` writes to the object store for an account; `clock` gives Unix seconds.

        The addresses of the site's own pictures, which it fetches itself, are in `pictures`.
        """
        self.max_file_size = max_file_size
        self.ledger = ledger
        self.pictures = AnsweredPictures()
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

    def check_sound(self, name: str, data: bytes) -> LocalFile:
        """Return a sound as a file that the site takes. Raises RequestError, TooLarge."""
        if len(data) > self.max_file_size:
            raise self.too_large()
        return LocalFile(file_types.clean_name(name), data, identify_sound(data))

    def check_announced(self, name: str, size: int) -> None:
        """Check the limits for a client that uploads a file itself. Raises RequestError, TooLarge."""
        if size > self.max_file_size:
            raise self.too_large()
        file_types.check_name(name)

    def too_large(self) -> TooLarge:
        """Return the error for a file over the limit."""
        return TooLarge(f"The file is larger than {self.max_file_size} bytes (QWENPROXY_MAX_FILE_SIZE).", param="file")

    def store(self, file: LocalFile, site: SiteCalls) -> SiteFile:
        """Upload a file for the account; wait until the site has read a document.

        Raises NetworkFailed, SiteFailure, ProtocolChanged, RequestError for an unreadable document, UpstreamTimeout,
        and what `site` raises.
        """
        credentials = files.parse_credentials(_credentials(file.name, len(file.data), file.type.kind, site))
        self._put(credentials, file.type.content_type, file.data, site.account_id)
        site_file = self._site_file(credentials, file.name, len(file.data), site.account_id)
        return self.parse(replace(site_file, content_type=file.type.content_type, kind=file.type.kind), site)

    def store_once(self, file: LocalFile, site: SiteCalls) -> SiteFile:
        """Upload a file unless the account got it recently: a conversation repeats its images every turn."""
        site_file = self.recent(file, site.account_id)
        if site_file is None:
            site_file = self.store(file, site)
            with self._recent_lock:
                self._recent[site.account_id, _digest(file)] = site_file
                if len(self._recent) > MOST_RECENT:
                    del self._recent[next(iter(self._recent))]
        return site_file

    def recent(self, file: LocalFile, account_id: str) -> SiteFile | None:
        """Return the file on the site if the account got it recently."""
        site_file = self._recent.get((account_id, _digest(file)))
        return site_file if site_file and self._is_fresh(site_file) else None

    def is_stored(self, file: LocalFile) -> bool:
        """Tell whether some account got this file recently, so that a question may need no upload."""
        digest = _digest(file)
        with self._recent_lock:
            return any(key[1] == digest and self._is_fresh(site_file) for key, site_file in self._recent.items())

    def parse(self, file: SiteFile, site: SiteCalls) -> SiteFile:
        """Return the file once the site has read it; only documents need it. Raises RequestError, UpstreamTimeout."""
        if not file.needs_parsing:
            return file
        _call(site, files.begin_parsing(file.id))
        for _ in range(PARSE_POLLS):
            status = files.parsing_status(_call(site, files.ask_parsing(file.id)), file.id)
            if status == "success":
                return replace(file, parsed=True)
            if status == "failed":
                raise RequestError(
                    "The site cannot read this document. Send it in another form, such as PDF or plain text.",
                    param="file",
                )
            site.pause(PARSE_PAUSE)
        raise UpstreamTimeout(f"The site did not read the document within {PARSE_POLLS * PARSE_PAUSE:.0f} s.")

    def remember(self, file: SiteFile, data: bytes | None) -> None:
        """Let later requests name an upload by its URL. Only log a disk that fails: the upload itself is good."""
        try:
            self.ledger.add(file, data)
        except SetupError as error:
            log.warning("account=%s upload %s is not remembered: %s", file.account_id, file.id, error.message)

    def remember_copy(self, upload: Upload, copy: SiteFile) -> Upload:
        """Let later requests find an account's copy of an upload; return the upload with the copy."""
        try:
            return self.ledger.add_copy(upload, copy)
        except SetupError as error:
            log.warning("account=%s copy %s is not remembered: %s", copy.account_id, copy.id, error.message)
            return upload.with_copy(copy)

    def issue_credentials(self, name: str, size: int, kind: str, site: SiteCalls) -> dict[str, Any]:
        """Return the site's upload credentials, as it wrote them, for a client that uploads the file itself.

        Raises ProtocolChanged, and what `site` raises.
        """
        credentials = _credentials(name, size, kind, site)
        site_file = self._site_file(files.parse_credentials(credentials), name, size, site.account_id)
        kind = "file" if kind == "document" else kind
        self.remember(replace(site_file, content_type=file_types.content_type_of_name(name), kind=kind), None)
        return credentials

    def _is_fresh(self, site_file: SiteFile) -> bool:
        return self._clock() - site_file.uploaded_at <= REUSE_FOR

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
    """Make a call about a file; a limit on it concerns uploads, not the whole account."""
    try:
        return site.call(request)
    except RateLimited as error:
        error.kind = "upload"
        raise
