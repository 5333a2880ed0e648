"""Read a form with files from the request's body as it arrives; file names may have any common encoding.

The routes that take files use this. Werkzeug finds the parts; we read their names, because Werkzeug refuses a name that
is not UTF-8 and loses one with quotes in it. The caller sets the limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import IO
from urllib.parse import quote, unquote_to_bytes

from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

MAX_PARTS = 20
READ_AT_ONCE = 64 * 1024
_HEADER_BYTES = 8 * 1024  # of one part

# The last quote before the next parameter ends a quoted text, because many programs do not escape quotes in it.
_PARAMETER = re.compile(
    r""";\s*([a-z]+\*?)\s*=\s*("(?P<quoted>.*?)"\s*(?=;\s*[a-z]+\*?\s*=|;?\s*\Z)|[^;]*)""", re.I | re.S
)
_CYRILLIC = re.compile(rb"[\xa8\xb8\xc0-\xff]{2}")


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file of a form: the field that it stands in, the name that its sender gave it, its content."""

    field: str
    name: str | None
    content: IO[bytes]


@dataclass(frozen=True, slots=True)
class Form:
    """How to read a form: its boundary, and its character set if the sender names one.

    `field_bytes` limits the other fields together; it must exceed READ_AT_ONCE.
    """

    boundary: str
    charset: str | None
    field_bytes: int


def read_form(stream: IO[bytes], form: Form, buffer: Callable[[], IO[bytes]]) -> tuple[dict[str, str], list[FormFile]]:
    """Return the texts of a form by field, the last of each, and its files in order; read to the form's end.

    Each file goes into its own `buffer`. Raises ValueError for an invalid form, RequestEntityTooLarge for too many
    bytes beside the files, and what the stream and the buffers raise.
    """
    texts: dict[str, bytearray] = {}
    files: list[FormFile] = []
    target: IO[bytes] | bytearray = bytearray()
    other_bytes = 0
    for event in _events(stream, form):
        if isinstance(event, File):
            target = buffer()
            files.append(FormFile(event.name or "", event.filename, target))
        elif isinstance(event, Field):
            target = texts[event.name or ""] = bytearray()
        elif isinstance(event, Data) and isinstance(target, bytearray):
            other_bytes += len(event.data)
            if other_bytes > form.field_bytes:
                raise RequestEntityTooLarge
            target += event.data
        elif isinstance(event, Data):
            target.write(event.data)  # type: ignore[union-attr]
    for file in files:
        file.content.seek(0)
    return {name: _text(bytes(text), form.charset) for name, text in texts.items()}, files


def parse_disposition(value: bytes, charset: str | None = None) -> tuple[str | None, str | None]:
    """Return field name and file name of a part's Content-Disposition, None for a missing one.

    They may be quoted or not, hold quotes and backslashes, be in UTF-8 or an older encoding, be encoded words of mail,
    or have the extended form `filename*=`, which wins over the plain one.
    """
    parameters: dict[str, str] = {}
    for match in _PARAMETER.finditer(f";{_text(value, charset).partition(';')[2]}"):
        name, quoted = match[1].lower(), match["quoted"]
        text = match[2].strip().strip('"') if quoted is None else quoted.replace('\\"', '"')
        parameters.setdefault(name, _extended(text) if name.endswith("*") else _mail_word(text))
    name, file_name = (parameters.get(f"{key}*", parameters.get(key)) for key in ("name", "filename"))
    return name, file_name


class _Decoder(MultipartDecoder):
    """Finds the parts as Werkzeug does, and reads their headers our way."""

    charset: str | None = None

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        if len(data) > _HEADER_BYTES:
            raise ValueError("a part's header is too long")
        headers = Headers()
        for line in re.sub(rb"\r?\n[ \t]+", b" ", bytes(data)).splitlines():
            name, colon, value = line.partition(b":")
            if colon and name.strip().lower() == b"content-disposition":
                headers["Content-Disposition"] = _canonical(value, self.charset)
        return headers


def _canonical(value: bytes, charset: str | None) -> str:
    """Return a Content-Disposition in the one form that Werkzeug reads without loss."""
    parameters = zip(("name", "filename"), parse_disposition(value, charset), strict=True)
    words = [_canonical_word(name, text) for name, text in parameters if text is not None]
    return "; ".join(["form-data", *words])


def _canonical_word(name: str, text: str) -> str:
    return f"{name}*=UTF-8''{quote(text, safe='', errors='replace')}" if text else f'{name}=""'


def _events(stream: IO[bytes], form: Form) -> Iterator[Event]:
    if not form.boundary:
        raise ValueError("a form without a boundary")
    decoder = _Decoder(form.boundary.encode("latin-1"), form.field_bytes, max_parts=MAX_PARTS)
    decoder.charset = form.charset
    event: Event = NeedData()
    while not isinstance(event, Epilogue):
        decoder.receive_data(stream.read(READ_AT_ONCE) or None)
        event = decoder.next_event()
        while not isinstance(event, Epilogue | NeedData):
            yield event
            event = decoder.next_event()


def _text(value: bytes, charset: str | None) -> str:
    for encoding in (charset, "utf-8"):
        try:
            if encoding:
                return value.decode(encoding)
        except (LookupError, ValueError):
            continue
    # Western languages hardly have two letters in a row beyond ASCII.
    return value.decode("windows-1251" if _CYRILLIC.search(value) else "windows-1252", "replace")


def _extended(text: str) -> str:
    charset, quote_mark, rest = text.partition("'")
    encoded = unquote_to_bytes(rest.partition("'")[2] if quote_mark else text)
    try:
        return encoded.decode(charset if quote_mark else "utf-8", "replace")
    except (LookupError, ValueError):
        return encoded.decode("utf-8", "replace")


def _mail_word(text: str) -> str:
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, ValueError):
        return text
