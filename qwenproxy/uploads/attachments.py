"""The images and files of one request, from the URLs in its messages to the `files` entries of a question.

The relay makes this before it has an account, and takes entries from it for every account that it tries. Sources:
contract 4.2 and 6, protocol 7.4.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal
from urllib.parse import unquote_to_bytes, urlsplit

from qwenproxy.chat import FilePart, ImagePart
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone, unless_gone
from qwenproxy.errors import FileElsewhere, RequestError
from qwenproxy.uploads import file_types
from qwenproxy.uploads.ledger import Upload
from qwenproxy.uploads.remote import Unreachable
from qwenproxy.uploads.uploader import LocalFile, SiteCalls, Uploader
from qwenproxy.upstream import files
from qwenproxy.upstream.folding import MAX_ATTACHMENTS, Attachment

log = logging.getLogger(__name__)

FETCH_TIMEOUT = 60.0  # seconds after which the site has to fetch the remaining URLs of a request
_OWN_HOSTS = re.compile(r"(cdn|image|img)\.qwenlm\.ai|[a-z0-9-]+\.oss-[a-z0-9-]+\.aliyuncs\.com")
# Encoders break lines, omit the padding or use the alphabet of URLs; every browser reads all of these.
_ONE_ALPHABET = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n\f"

UNSENT = "(made by the upload)"  # in place of what the site names only then

Way = Literal["held", "upload", "copy", "fetch", "link"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A URL that the site fetches itself."""

    url: str


Source = Upload | LocalFile | Reference


@dataclass(frozen=True, slots=True)
class Foreseen:
    """An attachment of a question that is not sent yet: its `files` entry, as far as it is known, and bytes.

    `way` is how it gets there: the account holds it, it is uploaded, copied from another account's file, fetched from
    its address and uploaded, or the site gets a link.
    """

    way: Way
    entry: dict[str, Any]
    size: int | None


class Attachments:
    """The sources of a request's attachments; finds out each of them once."""

    def __init__(self, uploader: Uploader, client_gone: ClientGoneCheck = never_gone) -> None:
        self._uploader = uploader
        self._client_gone = client_gone
        self._sources: dict[Attachment, Source] = {}
        self._unread: list[Attachment] = []  # those that `look` has not fetched
        self._fetch_until = time.monotonic() + FETCH_TIMEOUT

    def look(self, parts: Sequence[Attachment]) -> None:
        """Decode or look up the newest of `parts`, as `read`, but fetch none. Raises RequestError, TooLarge."""
        for part in parts[-MAX_ATTACHMENTS:]:
            if source := self._at_hand(part):
                self._sources[part] = source
            else:
                self._unread.append(part)

    def read(self, parts: Sequence[Attachment]) -> None:
        """Decode, look up or fetch the newest of `parts`. Raises RequestError, TooLarge, SetupError, ClientGone."""
        for part in parts[-MAX_ATTACHMENTS:]:
            self._source(part)

    @property
    def account_id(self) -> str | None:
        """The account that has the most of the files, None if no account has any."""
        owners = Counter(
            source.copies[-1].account_id for source in self._sources.values() if isinstance(source, Upload)
        )
        return owners.most_common(1)[0][0] if owners else None

    @property
    def need_upload(self) -> bool:
        """Whether some content is on no account yet, so that any account needs an upload before it can answer."""
        local = [source for source in self._sources.values() if isinstance(source, LocalFile)]
        return bool(self._unread) or any(not self._uploader.is_stored(file) for file in local)

    def check(self, account_id: str) -> None:
        """Raise FileElsewhere if the account lacks one of the known files and cannot get it."""
        for source in self._sources.values():
            if isinstance(source, Upload) and not source.copy_of(account_id):
                self._bytes_at_hand(source)

    def foresee(self, parts: Sequence[Attachment], account_id: str) -> tuple[Foreseen, ...]:
        """Return what the newest of `parts`, at which we looked, will be on an account; ask and send nothing."""
        return tuple(self._foreseen(part, account_id) for part in parts[-MAX_ATTACHMENTS:])

    def entries(self, parts: Sequence[Attachment], site: SiteCalls) -> tuple[dict[str, Any], ...]:
        """Return the entries for the newest of `parts`; upload the files that the account does not have.

        A folded conversation may hold more attachments than a question may carry; the oldest are left out.
        Raises RequestError, TooLarge, FileElsewhere, and what an upload raises.
        """
        newest = parts[-MAX_ATTACHMENTS:]
        if len(newest) < len(parts):
            log.info("a conversation has %d images and files: only the newest %d are sent", len(parts), len(newest))
        return tuple(self._entry(part, site) for part in newest)

    def _entry(self, part: Attachment, site: SiteCalls) -> dict[str, Any]:
        source = self._source(part)
        if isinstance(source, Reference):
            return _reference(source, part)
        file = self._copy(part, source, site) if isinstance(source, Upload) else self._uploader.store_once(source, site)
        return files.entry(file, self._uploader.now())

    def _foreseen(self, part: Attachment, account_id: str) -> Foreseen:
        source = self._sources.get(part)
        if source is None or isinstance(source, Reference):
            return Foreseen("fetch" if source is None else "link", _reference(Reference(part.url), part), None)
        if isinstance(source, LocalFile):
            held = self._uploader.recent(source, account_id)
            file = held or unsent(source, account_id)
            way: Way = "held" if held else "upload"
        else:
            held = source.copy_of(account_id)
            file = held or replace(source.copies[-1], account_id=account_id, id=UNSENT, url=UNSENT, user_id=UNSENT)
            way = "held" if held else "copy"
        return Foreseen(way, files.entry(file, self._uploader.now()), file.size)

    def _copy(self, part: Attachment, upload: Upload, site: SiteCalls) -> files.SiteFile:
        """Return the account's own copy of an upload, parsed; make one if it has none."""
        copy = upload.copy_of(site.account_id)
        if copy is None:
            data = self._bytes_at_hand(upload)
            log.info("account=%s gets a copy of a file of %s", site.account_id, upload.copies[-1].account_id)
            current = self._uploader.store(self._uploader.check(upload.copies[-1].name, data), site)
        else:
            current = self._uploader.parse(copy, site)
        if current != copy:
            self._sources[part] = self._uploader.remember_copy(upload, current)
        return current

    def _bytes_at_hand(self, upload: Upload) -> bytes:
        data = self._uploader.ledger.data_of(upload)
        if data is None:
            newest = upload.copies[-1]
            raise FileElsewhere(
                f"The file {newest.name!r} belongs to account {newest.account_id}, which cannot take this request, "
                "and the proxy no longer has its content. Upload it again.",
                param="messages",
            )
        return data

    def _source(self, part: Attachment) -> Source:
        if part not in self._sources:
            self._sources[part] = self._find_out(part)
        return self._sources[part]

    def _find_out(self, part: Attachment) -> Source:
        if source := self._at_hand(part):
            return source
        try:
            if time.monotonic() > self._fetch_until:
                raise Unreachable("too late")
            fetch = partial(self._uploader.fetcher.fetch, part.url, self._uploader.max_file_size)
            file = unless_gone(fetch, self._client_gone, "fetch")
        except Unreachable as error:
            log.info("cannot fetch a URL of a message (%s): the site gets the URL", error)
            return Reference(part.url)
        return self._local(part, file.name, file.content_type, file.data)

    def _at_hand(self, part: Attachment) -> Source | None:
        """Return the source of an attachment, None if its content has to be fetched."""
        if part.url[:5].lower() == "data:":
            return self._local(part, *_decoded(part.url, self._uploader))
        ledger = self._uploader.ledger
        if upload := ledger.find(part.url):
            return upload
        is_own = _is_own_store(part.url) or ledger.is_own_origin(part.url) or part.url in self._uploader.pictures
        return Reference(part.url) if is_own else None

    def _local(self, part: Attachment, name: str, content_type: str, data: bytes) -> LocalFile:
        """Return the content behind a URL as a file; a name without an allowed type is replaced."""
        if isinstance(part, FilePart) and part.is_sound:
            return self._uploader.check_sound(part.name or "sound", data)
        if isinstance(part, FilePart) and part.name and file_types.is_allowed_name(part.name):
            name = part.name
        if not file_types.is_allowed_name(name):
            kind = file_types.type_of_content_type(content_type)
            name = f"{'image' if isinstance(part, ImagePart) else 'file'}{f'.{kind.extension}' if kind else ''}"
        if isinstance(part, ImagePart) and data and file_types.image_type(data) is None:
            raise RequestError(
                "An image part does not hold an image; send other files in a file part.", param="messages"
            )
        return self._uploader.check(name, data)


def unsent(file: LocalFile, account_id: str) -> files.SiteFile:
    """Return what a file will be on the site, but for what only the site can say."""
    facts = (file.name, len(file.data), file.type.content_type, file.type.kind)
    return files.SiteFile(account_id, UNSENT, UNSENT, UNSENT, *facts, uploaded_at=0.0)


def _decoded(url: str, uploader: Uploader) -> tuple[str, str, bytes]:
    """Return name (none), Content-Type and content of a data: URL. Raises RequestError, TooLarge."""
    head, comma, payload = url[5:].partition(",")
    if not comma:
        raise RequestError("A data: URL has no content.", param="messages")
    raw = unquote_to_bytes(payload)
    content_type, _, encoding = head.rpartition(";")
    if encoding.strip().lower() != "base64":
        return "", head, raw
    raw = raw.translate(_ONE_ALPHABET, _BLANKS).rstrip(b"=")
    if len(raw) * 3 // 4 > uploader.max_file_size:
        raise uploader.too_large()
    try:
        return "", content_type, base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except binascii.Error:
        raise RequestError("The base64 of a data: URL is broken.", param="messages") from None


def _is_own_store(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and "@" not in parts.netloc and bool(_OWN_HOSTS.fullmatch(parts.hostname or ""))
    except ValueError:
        return False


def _reference(source: Reference, part: Attachment) -> dict[str, Any]:
    content_type = file_types.content_type_of_name(urlsplit(source.url).path)
    if isinstance(part, ImagePart) and not content_type.startswith("image/"):
        content_type = "image/png"
    kind = content_type.partition("/")[0]
    return files.reference_entry(source.url, kind if kind in ("image", "video", "audio") else "file", content_type)
