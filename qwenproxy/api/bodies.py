"""Read the JSON object in a request's body, in any encoding and character set.

The routes use this; the WebSocket reads its messages here, too. Knows no field of any request.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

from flask import request

from qwenproxy.disk.json_text import NotJson, read_json
from qwenproxy.errors import InvalidJson, TooLarge, UnsupportedMediaType

_ENCODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_ANY_HEADER = 32 + zlib.MAX_WBITS  # zlib then finds out whether it is gzip or zlib
_NO_HEADER = -zlib.MAX_WBITS
_LAYERS = 2  # nested encodings
_MEMBERS = 100  # gzip files in a row; each costs a copy of the rest


def json_body(*, any_type: bool = False) -> dict[str, Any]:
    """Return the request's JSON object. Raises InvalidJson, UnsupportedMediaType, TooLarge.

    With `any_type` the Content-Type does not matter: in some APIs the usual curl line sends JSON as a form.
    """
    if not (request.is_json or any_type):
        raise UnsupportedMediaType("Send the body with Content-Type: application/json.")
    encodings = content_encodings()
    data = request.get_data(cache=False)
    limit = request.max_content_length or math.inf
    if request.content_length is None and len(data) >= limit:
        # Werkzeug silently cuts a body in chunks at the limit.
        raise body_too_large()
    for encoding in reversed(encodings):
        data = _uncompress(data, encoding, limit)
    return json_object(data, "body", request.mimetype_params.get("charset"))


def optional_json_body() -> dict[str, Any]:
    """Return the request's JSON object, an empty one for a request without a body. Raises as `json_body`."""
    return json_body() if request.get_data() else {}


def json_object(data: bytes | str, name: str, charset: str | None = None) -> dict[str, Any]:
    """Return the JSON object in a text; errors call the text `name`. Raises InvalidJson."""
    try:
        value = read_json(data, charset)
    except NotJson as error:
        raise InvalidJson(f"The {name} {error}.") from None
    if not isinstance(value, dict):
        raise InvalidJson(f"The {name} must be a JSON object.")
    return value


def content_encodings() -> list[str]:
    """Return the encodings of the request's body, `gzip` or `deflate`, the outermost last.

    Raises UnsupportedMediaType for any other.
    """
    names = [each.strip().lower() for each in request.headers.get("Content-Encoding", "").split(",")]
    encodings = [each for each in names if each not in ("", "identity")]
    for each in encodings:
        if each not in _ENCODINGS:
            raise UnsupportedMediaType(
                f"Content-Encoding: {each[:40]} is not supported. Send the body as gzip or deflate, or uncompressed."
            )
    if len(encodings) > _LAYERS:
        raise UnsupportedMediaType("The body is compressed too often. Send it as gzip or deflate, or uncompressed.")
    return [_ENCODINGS[each] for each in encodings]


def body_too_large() -> TooLarge:
    """Return the error for a body over the limit."""
    return TooLarge("The request body is larger than the limit (QWENPROXY_MAX_BODY).")


def _uncompress(data: bytes, encoding: str, limit: float) -> bytes:
    """Return the uncompressed data, at most `limit` bytes. Raises InvalidJson, TooLarge."""
    try:
        return _inflate(data, _ANY_HEADER, limit)
    except zlib.error:
        pass
    try:
        # HTTP's deflate has zlib's header, but many programs omit it.
        if encoding == "deflate":
            return _inflate(data, _NO_HEADER, limit)
    except zlib.error:
        pass
    raise InvalidJson(f"The body is not complete {encoding} data. Send it again.")


def _inflate(data: bytes, window: int, limit: float) -> bytes:
    """Return the joined content of all gzip members. Raises zlib.error, TooLarge."""
    content = bytearray()
    for _ in range(_MEMBERS):
        unpacker = zlib.decompressobj(window)
        room = 0 if limit == math.inf else int(limit) - len(content) + 1
        content += unpacker.decompress(data, room)
        if len(content) > limit:
            raise body_too_large()
        if not unpacker.eof:
            raise zlib.error("cut short")
        data = unpacker.unused_data
        if not data:
            return bytes(content)
    raise zlib.error("too many members")
