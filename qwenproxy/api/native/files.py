"""The file routes (contract 4): uploads from a client, and the site's own upload credentials.

An upload stays in memory and is never written to the disk.
"""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.form_bodies import form_body
from qwenproxy.api.wiring import filing
from qwenproxy.errors import RequestError
from qwenproxy.uploads.file_types import clean_name
from qwenproxy.wsgi.client import client_gone_check


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
    files = form_body(max_bytes, "Send the file as multipart/form-data in the field 'file'.")[1]
    file = next((each for each in files if each.field == "file"), None)
    if file is None:
        raise _no_file()
    return file.name or "file", file.content.read()


def _no_file() -> RequestError:
    return RequestError("There is no file. Send it as multipart/form-data in the field 'file'.", param="file")
