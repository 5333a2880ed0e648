"""The file routes (contract 4): uploads from a client, and the site's own upload credentials.

An upload stays in memory and is never written to the disk.
"""

from __future__ import annotations

import io
from contextlib import suppress
from typing import IO, Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.native.forms import Form, read_file
from qwenproxy.api.wiring import filing
from qwenproxy.errors import ProxyError, RequestError, UnsupportedMediaType
from qwenproxy.uploads.file_types import clean_name
from qwenproxy.wsgi.client import client_gone_check

FIELD_BYTES = 256 * 1024  # of form fields beside the file; must exceed one read of the parser (64 KiB)
DRAIN_BYTES = 64 * 1024 * 1024  # of a refused body that we still read, so that the client reads our error


def blueprint() -> Blueprint:
    """Return the file routes."""
    routes = Blueprint("files", __name__)
    routes.add_url_rule("/api/files/upload", view_func=upload, methods=["POST"])
    routes.add_url_rule("/api/files/getstsToken", view_func=credentials, methods=["POST"])
    return routes


def upload() -> ResponseReturnValue:
    """Answer POST /api/files/upload."""
    name, data = _read_upload(filing().max_file_size)
    file = filing().upload(name, data, client_gone_check(request.environ))
    # The URL must stay the first key, because clients cut it out of the text.
    fields = {"url": file.url, "name": file.name, "size": file.size, "type": file.content_type, "id": file.id}
    image = {"imageUrl": file.url} if file.kind == "image" else {}
    return json_response({"success": True, "file": fields, **image})


def credentials() -> ResponseReturnValue:
    """Answer POST /api/files/getstsToken."""
    body = json_body()
    name, size, kind = body.get("filename"), body.get("filesize"), body.get("filetype")
    if not isinstance(name, str):
        raise RequestError("filename must be a string.", param="filename")
    if isinstance(size, str) and size.isdecimal() and len(size) < 16:
        size = int(size)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size < 10**15:
        raise RequestError("filesize must be a number of bytes above 0.", param="filesize")
    if not isinstance(kind, str) or not kind:
        raise RequestError("filetype must be image, video, audio or file.", param="filetype")
    client_gone = client_gone_check(request.environ)
    return json_response(filing().issue_credentials(clean_name(name), size, _kind(kind), client_gone))


def _kind(filetype: str) -> str:
    """Return the site's word for a file type, which may also be a Content-Type."""
    major, slash, _ = filetype.partition("/")
    if not slash:
        return filetype
    return major if major in ("image", "video", "audio") else "file"


def _read_upload(max_bytes: int) -> tuple[str, bytes]:
    """Return name and content of the form's `file`. Raises RequestError, TooLarge, UnsupportedMediaType."""
    if request.mimetype in ("", "application/x-www-form-urlencoded"):
        raise _no_file()
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data in the field 'file'.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the form uncompressed: a Content-Encoding is not supported for forms.")
    stream = get_input_stream(request.environ)
    room = _Room(max_bytes)
    form = Form(request.mimetype_params.get("boundary", ""), request.mimetype_params.get("charset"), FIELD_BYTES)
    try:
        file = read_file(stream, form, "file", room.buffer)
    except ProxyError:
        _drain(stream)
        raise
    except RequestEntityTooLarge:
        _drain(stream)
        raise RequestError("The form has too many fields beside the file. Send only the file.") from None
    except (ValueError, OSError):  # OSError: the client leaves, stalls, or sends invalid chunks
        raise RequestError("The form is damaged or incomplete. Send it again.") from None
    if file is None:
        raise _no_file()
    name, content = file
    return name or "file", content.read()


def _no_file() -> RequestError:
    return RequestError("There is no file. Send it as multipart/form-data in the field 'file'.", param="file")


class _Room:
    """The number of bytes that all files of one form may have together."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes

    def buffer(self) -> IO[bytes]:
        """Return a buffer for one more file."""
        return _Buffer(self)

    def take(self, size: int) -> None:
        """Raise TooLarge if `size` more bytes do not fit."""
        self._left -= size
        if self._left < 0:
            raise filing().too_large()


class _Buffer(io.BytesIO):
    def __init__(self, room: _Room) -> None:
        super().__init__()
        self._room = room

    def write(self, data: Any) -> int:
        self._room.take(len(data))
        return super().write(data)


def _drain(stream: IO[bytes]) -> None:
    left = DRAIN_BYTES
    with suppress(OSError):
        while left > 0 and (chunk := stream.read(1 << 16)):
            left -= len(chunk)
