"""What the site speaks about files (protocol 7): credentials, parsing, and the entries of a question.

Pure, as calls.py is: requests for the page to make, readers of their answers, and the `files` entries of a question.
The room uploads/ decides which account gets a file, and sends its bytes.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from qwenproxy.browser.page import PageRequest
from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream.bodies import object_in
from qwenproxy.upstream.calls import post

SIGNED_FOR = 240.0  # seconds that we use a signed address; the store accepts it for 300

# From a kind to showType and file_class.
_CLASSES = {"image": ("image", "vision"), "video": ("video", "video"), "audio": ("audio", "audio")}
_DOCUMENT = ("file", "document")


@dataclass(frozen=True, slots=True)
class UploadCredentials:
    """The right to write one file (protocol 7.1). `file_url` reads it, signed, for 300 s."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(repr=False)
    file_url: str = field(repr=False)
    file_path: str
    file_id: str
    bucket: str
    region: str
    endpoint: str

    @property
    def object_url(self) -> str:
        """Where to put the bytes: on the bucket's host, or where `file_url` leads if the endpoint has a scheme."""
        path = quote(self.file_path)
        if "://" not in self.endpoint:
            return f"https://{self.bucket}.{self.endpoint}/{path}"
        address = self.file_url.partition("?")[0]
        endpoint = self.endpoint.rstrip("/")
        return address if address.startswith(f"{endpoint}/") else f"{endpoint}/{path}"


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file that the site keeps for one account.

    `kind` is image, video, audio or file; `url` is signed; `uploaded_at` is in s since 1970; `parsed` matters for
    documents only.
    """

    account_id: str
    id: str
    url: str = field(repr=False)
    user_id: str
    name: str
    size: int
    content_type: str
    kind: str
    uploaded_at: float
    parsed: bool = False

    @property
    def needs_parsing(self) -> bool:
        """Whether it is a document that the site has not read yet."""
        return self.kind == "file" and not self.parsed


def request_credentials(name: str, size: int, kind: str) -> PageRequest:
    """Ask for the right to upload one file of `size` bytes (protocol 7.1)."""
    return post("/api/v2/files/getstsToken", {"filename": name, "filesize": size, "filetype": kind})


def begin_parsing(file_id: str) -> PageRequest:
    """Let the site read a document (protocol 7.3)."""
    return post("/api/v2/files/parse", {"file_id": file_id})


def ask_parsing(file_id: str) -> PageRequest:
    """Ask whether the site has read a document."""
    return post("/api/v2/files/parse/status", {"file_id_list": [file_id]})


def credentials_object(body_text: str) -> dict[str, Any]:
    """Return the credentials as the site wrote them, with or without an envelope. Raises ProtocolChanged."""
    answer = _answer_in(body_text)
    data = answer.get("data")
    credentials = data if isinstance(data, dict) else answer
    required = ("access_key_id", "access_key_secret", "security_token", "file_url", "file_path", "file_id")
    if not all(isinstance(credentials.get(name), str) and credentials[name] for name in required):
        raise ProtocolChanged("The site's upload credentials have an unknown form. Look for a newer qwenproxy.")
    return credentials


def parse_credentials(credentials: dict[str, Any]) -> UploadCredentials:
    """Return the credentials as a value; derive a missing endpoint from the region. Raises ProtocolChanged."""
    bucket, region = credentials.get("bucketname"), credentials.get("region")
    if not isinstance(bucket, str) or not isinstance(region, str) or not bucket or not region:
        raise ProtocolChanged("The site's upload credentials name no bucket. Look for a newer qwenproxy.")
    endpoint = credentials.get("endpoint")
    return UploadCredentials(
        access_key_id=credentials["access_key_id"],
        access_key_secret=credentials["access_key_secret"],
        security_token=credentials["security_token"],
        file_url=credentials["file_url"],
        file_path=credentials["file_path"].lstrip("/"),
        file_id=credentials["file_id"],
        bucket=bucket,
        region=region.removeprefix("oss-"),
        endpoint=endpoint if isinstance(endpoint, str) and endpoint else f"{region}.aliyuncs.com",
    )


def parsing_status(body_text: str, file_id: str) -> str:
    """Return `success`, `failed` or `pending`, from either form of the answer (protocol 7.3)."""
    data = _answer_in(body_text).get("data")
    rows = [row for row in (data if isinstance(data, list) else [data]) if isinstance(row, dict)]
    row = next((row for row in rows if row.get("file_id") == file_id), rows[0] if len(rows) == 1 else {})
    status = str(row.get("status")).lower()
    if status in ("failed", "error"):
        return "failed"
    return "success" if status == "success" else "pending"


def entry(file: SiteFile, now: float) -> dict[str, Any]:
    """Return the `files` entry of an uploaded file at a moment (s since 1970; protocol 7.4)."""
    show_type, file_class = _CLASSES.get(file.kind, _DOCUMENT)
    millis = int(file.uploaded_at * 1000)
    meta: dict[str, Any] = {"name": file.name, "size": file.size, "content_type": file.content_type}
    if file.kind == "file":
        meta["parse_meta"] = {"parse_status": "success"}
    description = {
        "created_at": millis,
        "data": {},
        "filename": file.name,
        "hash": None,
        "id": file.id,
        "user_id": file.user_id,
        "meta": meta,
        "update_at": millis,
    }
    return {
        "type": show_type,
        "file": description,
        "id": file.id,
        "url": file.url if now - file.uploaded_at < SIGNED_FOR else file.url.partition("?")[0],
        "name": file.name,
        "collection_name": "",
        "progress": 0,
        "status": "uploaded",
        "greenNet": "success",
        "size": file.size,
        "error": "",
        "itemId": str(uuid.uuid4()),
        "file_type": file.content_type,
        "showType": show_type,
        "file_class": file_class,
        "uploadTaskId": str(uuid.uuid4()),
    }


def reference_entry(url: str, kind: str, content_type: str) -> dict[str, Any]:
    """Return the short entry for a URL that the site can fetch itself (protocol 7.4)."""
    show_type, file_class = _CLASSES.get(kind, _DOCUMENT)
    return {
        "type": show_type,
        "name": unquote(urlsplit(url).path).rpartition("/")[2] or show_type,
        "file_type": content_type,
        "showType": show_type,
        "file_class": file_class,
        "status": "uploaded",
        "url": url,
    }


def _answer_in(body_text: str) -> dict[str, Any]:
    answer = object_in(body_text)
    if answer is None:
        raise ProtocolChanged("The site answered about a file in an unknown form. Look for a newer qwenproxy.")
    return answer
