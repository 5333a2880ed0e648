"""The form in a request's body: its texts, and its files in memory, never on the disk.

The routes that take files use this; forms.py knows how a form is written.
"""

from __future__ import annotations

import io
from contextlib import suppress
from typing import IO, Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from qwenproxy.api.forms import Form, FormFile, read_form
from qwenproxy.api.wiring import filing
from qwenproxy.errors import ProxyError, RequestError, UnsupportedMediaType

FIELD_BYTES = 256 * 1024  # of form fields beside the files; must exceed one read of the parser (64 KiB)
DRAIN_BYTES = 64 * 1024 * 1024  # of a refused body that we still read, so that the client reads our error


def form_body(max_bytes: int, hint: str) -> tuple[dict[str, str], list[FormFile]]:
    """Return the texts of the request's form by field, and its files; `hint` says what to send in place of other types.

    All files together may have `max_bytes`. Raises RequestError, TooLarge, UnsupportedMediaType.
    """
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(hint)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the form uncompressed: a Content-Encoding is not supported for forms.")
    stream = get_input_stream(request.environ)
    room = _Room(max_bytes)
    form = Form(request.mimetype_params.get("boundary", ""), request.mimetype_params.get("charset"), FIELD_BYTES)
    try:
        return read_form(stream, form, room.buffer)
    except ProxyError:
        _drain(stream)
        raise
    except RequestEntityTooLarge:
        _drain(stream)
        raise RequestError("The form has too many fields or files, or too much text beside the files.") from None
    except (ValueError, OSError):  # OSError: the client leaves, stalls, or sends invalid chunks
        raise RequestError("The form is damaged or incomplete. Send it again.") from None


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
