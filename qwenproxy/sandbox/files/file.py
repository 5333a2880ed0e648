"""The files people uploaded, from the credentials issued for each to the check of an attachment (protocol 7).

Written by the file routes and by the object store, read by the completions route and by tests.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from qwenproxy.sandbox.accounts.account import SandboxAccount
from qwenproxy.sandbox.envelope import bad_request
from qwenproxy.sandbox.files.signatures import ALGORITHM, Signable, v4_signature

BUCKET = "qwen-webui-prod"
REGION = "ap-southeast-1"
LIFETIME_S = 300  # of credentials and of signed addresses
MEGABYTE = 1 << 20
SIZE_LIMITS = {
    "image": 20 * MEGABYTE,
    "file": 20 * MEGABYTE,
    "document": 20 * MEGABYTE,
    "video": 500 * MEGABYTE,
    "audio": 100 * MEGABYTE,
}
_MAX_FILES = 200  # a soak test must not fill the memory


@dataclass(slots=True)
class StoredFile:
    """One file: issued, then `data` once its bytes arrived, then parsed if it is a document.

    `put_headers` came with its bytes; `polls_left` counts the status answers until parsing is over.
    """

    id: str
    account_id: str
    name: str
    kind: str
    path: str
    key_id: str
    secret: str
    token: str
    issued_at: float
    data: bytes | None = None
    content_type: str = ""
    put_headers: Mapping[str, str] = field(default_factory=dict)
    parse_status: str = ""
    polls_left: int = 0

    @property
    def is_document(self) -> bool:
        """Whether it must be parsed before a question may name it."""
        return self.kind in ("file", "document")


class StoredFiles:
    """All files of a sandbox. `origin` is the object store's address, empty until that listens."""

    def __init__(self) -> None:
        self.origin = ""
        self._files: dict[str, StoredFile] = {}

    def all(self) -> list[StoredFile]:
        """Return the files, oldest first."""
        return list(self._files.values())

    def issue(self, account: SandboxAccount, name: str, kind: str, now: float) -> StoredFile:
        """Return a new file with credentials for it."""
        file_id = str(uuid.uuid4())
        file = StoredFile(
            id=file_id,
            account_id=account.id,
            name=name,
            kind=kind,
            path=f"{account.user_id}/{file_id}_{name}",
            key_id=f"STS.{secrets.token_hex(10)}",
            secret=secrets.token_urlsafe(24),
            token=f"CAIS{secrets.token_urlsafe(48)}==",
            issued_at=now,
        )
        self._files[file_id] = file
        while len(self._files) > _MAX_FILES:
            del self._files[next(iter(self._files))]
        return file

    def by_key(self, key_id: str) -> StoredFile | None:
        """Return the file these credentials were issued for."""
        return next((file for file in self._files.values() if file.key_id == key_id), None)

    def by_path(self, path: str) -> StoredFile | None:
        """Return the file at this place of the store."""
        return next((file for file in self._files.values() if file.path == path), None)

    def uploaded(self, account_id: str, file_id: object) -> StoredFile:
        """Return a file of this account whose bytes have arrived. Raises SiteError."""
        file = self._files.get(file_id) if isinstance(file_id, str) else None
        if file is None or file.account_id != account_id or file.data is None:
            raise bad_request("Invalid file information!")
        return file

    def address(self, file: StoredFile) -> str:
        """Return the file's address in the store, without a signature."""
        return f"{self.origin}/{quote(file.path)}"

    def signed_address(self, file: StoredFile, now: float) -> str:
        """Return an address from which the file can be read for LIFETIME_S seconds."""
        date = datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        query = {
            "x-oss-security-token": file.token,
            "x-oss-date": date,
            "x-oss-expires": str(LIFETIME_S),
            "x-oss-signature-version": ALGORITHM,
            "x-oss-credential": f"{file.key_id}/{date[:8]}/{REGION}/oss/aliyun_v4_request",
        }
        signature = v4_signature(Signable("GET", BUCKET, file.path, query=query), file.secret, REGION, date)
        return f"{self.address(file)}?{urlencode({**query, 'x-oss-signature': signature}, quote_via=quote, safe='')}"

    def may_read(self, file: StoredFile, query: Mapping[str, str], now: float) -> bool:
        """Tell whether these query parameters open the file at this moment."""
        date, span = query.get("x-oss-date", ""), query.get("x-oss-expires", "")
        try:
            signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
        except ValueError:
            return False
        signature = v4_signature(Signable("GET", BUCKET, file.path, query=query), file.secret, REGION, date)
        fresh = span.isdigit() and signed_at <= now + 60 and now < signed_at + min(int(span), LIFETIME_S)
        return fresh and secrets.compare_digest(signature, query.get("x-oss-signature", ""))

    def text(self, account_id: str, entry: Any) -> dict[str, str] | None:
        """Return name and text of the document that an entry of `files` names; None for what is no text."""
        file = self._files.get(entry.get("id", "")) if isinstance(entry, dict) else None
        if file is None or file.account_id != account_id or file.data is None or not file.is_document:
            return None
        try:
            return {"name": file.name, "text": file.data.decode("utf-8-sig")}
        except UnicodeDecodeError:
            return None

    def check_entry(self, account_id: str, entry: Any, now: float) -> None:
        """Raise SiteError unless an entry of `files` is complete and true (protocol 7.4).

        An entry without an id names something public by its address.
        """
        url = entry.get("url") if isinstance(entry, dict) else None
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise bad_request("Invalid file information!")
        if not entry.get("id"):
            return
        file = self.uploaded(account_id, entry["id"])
        if not (self._has_address(file, entry, now) and _describes(entry, file) and _is_parsed(file, entry)):
            raise bad_request("Invalid file information!")

    def _has_address(self, file: StoredFile, entry: dict[str, Any], now: float) -> bool:
        """Tell whether the entry has the file's address: signed and fresh, or without a query."""
        parts = urlsplit(entry["url"])
        is_same = unquote(f"{parts.scheme}://{parts.netloc}{parts.path}") == f"{self.origin}/{file.path}"
        return is_same and (not parts.query or self.may_read(file, dict(parse_qsl(parts.query)), now))


def _describes(entry: dict[str, Any], file: StoredFile) -> bool:
    kind = "file" if file.is_document else file.kind
    inner = _object(entry, "file")
    meta = _object(inner, "meta")
    return (
        entry.get("type") == kind
        and entry.get("status") == "uploaded"
        and inner.get("id") == file.id
        and meta.get("size") == entry.get("size") == len(file.data or b"")
        and meta.get("content_type") == entry.get("file_type") == file.content_type
    )


def _object(source: dict[str, Any], key: str) -> dict[str, Any]:
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def _is_parsed(file: StoredFile, entry: dict[str, Any]) -> bool:
    if not file.is_document:
        return True
    parse_meta = _object(_object(_object(entry, "file"), "meta"), "parse_meta")
    return file.parse_status == parse_meta.get("parse_status") == "success"
