"""What a request's body holds: its JSON object, whatever encoding and character set it came in.

Used by the routes; the WebSocket shares the reading of one message. Knows no field of any request.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

from flask import request

from qwenproxy.disk.json_text import NotJson, read_json
from qwenproxy.errors import InvalidJson, TooLarge, UnsupportedMediaType

_PACKED = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_HEADER_OF_EITHER = 32 + zlib.MAX_WBITS  # zlib's word for: look whether it is gzip or zlib
_NO_HEADER = -zlib.MAX_WBITS
_LAYERS = 2  # encodings around one another
_MEMBERS = 100  # gzip files that may stand one after the other; each costs a copy of what follows


def json_body() -> dict[str, Any]:
    """Return the request's JSON object. Raises InvalidJson, UnsupportedMediaType, TooLarge."""
    if not request.is_json:
        raise UnsupportedMediaType("Send the body with Content-Type: application/json.")
    encodings = content_encodings()
    data = request.get_data(cache=False)
    limit = request.max_content_length or math.inf
    if request.content_length is None and len(data) >= limit:
        # Of a body in chunks Werkzeug hands on what is below the limit, and keeps silent about the rest.
        raise body_too_large()
    for encoding in reversed(encodings):
        data = _unpacked(data, encoding, limit)
    return json_object(data, "body", request.mimetype_params.get("charset"))


def json_object(data: bytes | str, name: str, charset: str | None = None) -> dict[str, Any]:
    """Return the JSON object in a text that errors call `name`. Raises InvalidJson."""
    try:
        value = read_json(data, charset)
    except NotJson as error:
        raise InvalidJson(f"The {name} {error}.") from None
    if not isinstance(value, dict):
        raise InvalidJson(f"The {name} must be a JSON object.")
    return value


def content_encodings() -> list[str]:
    """Return the encodings in which the request's body is packed, the last one outermost. Raises UnsupportedMediaType.

    They are `gzip` and `deflate`; no other one is read.
    """
    named = [each.strip().lower() for each in request.headers.get("Content-Encoding", "").split(",")]
    packed = [each for each in named if each not in ("", "identity")]
    for each in packed:
        if each not in _PACKED:
            raise UnsupportedMediaType(
                f"A body with Content-Encoding: {each[:40]} is not read here; send it as gzip or deflate, or as it is."
            )
    if len(packed) > _LAYERS:
        raise UnsupportedMediaType("The body is packed too many times; send it as gzip or deflate, or as it is.")
    return [_PACKED[each] for each in packed]


def body_too_large() -> TooLarge:
    """Return the error for a body over the limit."""
    return TooLarge("The request body is over the limit (QWENPROXY_MAX_BODY).")


def _unpacked(data: bytes, encoding: str, limit: float) -> bytes:
    """Return packed data unpacked, never more than `limit` bytes of it. Raises InvalidJson, TooLarge."""
    try:
        return _inflate(data, _HEADER_OF_EITHER, limit)
    except zlib.error:
        pass
    try:
        # What HTTP calls deflate has zlib's header; many a program leaves it out.
        if encoding == "deflate":
            return _inflate(data, _NO_HEADER, limit)
    except zlib.error:
        pass
    raise InvalidJson(f"The body is damaged or cut short: it is no {encoding} data.")


def _inflate(data: bytes, window: int, limit: float) -> bytes:
    """Return the content of one gzip member after the other. Raises zlib.error, TooLarge."""
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
