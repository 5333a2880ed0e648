"""Find out the type of a file from its content and its name (contract 4). Pure."""

from __future__ import annotations

import io
import mimetypes
import re
import zipfile
from dataclasses import dataclass

from qwenproxy.errors import RequestError


@dataclass(frozen=True, slots=True)
class FileType:
    """A type that the site takes. `kind` is image or file, `extension` has no dot."""

    kind: str
    extension: str
    content_type: str


_JPEG = FileType("image", "jpg", "image/jpeg")
_PNG = FileType("image", "png", "image/png")
_GIF = FileType("image", "gif", "image/gif")
_WEBP = FileType("image", "webp", "image/webp")
_BMP = FileType("image", "bmp", "image/bmp")
_PDF = FileType("file", "pdf", "application/pdf")
_DOC = FileType("file", "doc", "application/msword")
_DOCX = FileType("file", "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
TXT = FileType("file", "txt", "text/plain")
_TYPES = (_JPEG, _PNG, _GIF, _WEBP, _BMP, _PDF, _DOC, _DOCX, TXT)

_BY_EXTENSION = {each.extension: each for each in _TYPES} | {"jpeg": _JPEG}
_BY_CONTENT_TYPE = {each.content_type: each for each in _TYPES} | {"image/jpg": _JPEG, "image/x-ms-bmp": _BMP}

_STEM_BYTES = 120
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
# Bytes that no text contains, in any encoding in use.
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")


def identify(name: str, data: bytes) -> FileType:
    """Return the type of a file; a name without an extension does not count.

    Raises RequestError for a type that is not allowed, a name that contradicts the content, and empty content.
    """
    if not data:
        raise RequestError("The file is empty.", param="file")
    extension = extension_of(name)
    type_by_name = _BY_EXTENSION.get(extension)
    if extension and type_by_name is None:
        raise _not_allowed(f"Files of type .{extension[:20]} are not allowed")
    if type_by_name is TXT:
        if data.startswith(b"%PDF-") or not _is_text(data):
            raise _disguised(extension)
        return TXT
    type_by_content = _by_magic(data)
    if type_by_name is None:
        if type_by_content is None:
            raise _not_allowed("The content has no type that is allowed")
        return type_by_content
    # Many images have the extension of another image format, and viewers accept that.
    if type_by_content and type_by_content.kind == type_by_name.kind == "image":
        return type_by_content
    if type_by_content is not type_by_name:
        raise _disguised(extension)
    return type_by_name


def clean_name(name: str) -> str:
    """Return a file's bare name: no folders, only printable characters, not too long. Raises RequestError."""
    bare = re.split(r"[/\\]", name)[-1].encode("utf-8", "replace").decode()
    bare = "".join(character for character in bare if character.isprintable()).strip().lstrip(".")
    stem, dot, extension = bare.rpartition(".") if "." in bare else (bare, "", "")
    stem = stem.encode()[:_STEM_BYTES].decode("utf-8", "ignore").strip()
    if not stem:
        raise RequestError("The file has no usable name.", param="file")
    return f"{stem}{dot}{extension[:20]}"


def extension_of(name: str) -> str:
    """Return a name's extension in lower case without the dot, "" if it has none."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def check_name(name: str) -> None:
    """Check a file by its name alone, if we never see its content. Raises RequestError for a type not allowed."""
    if not is_allowed_name(name):
        raise _not_allowed(f"The extension of {name[:100]!r} is not allowed")


def is_allowed_name(name: str) -> bool:
    """Tell whether a name's extension is allowed."""
    return extension_of(name) in _BY_EXTENSION


def type_of_content_type(content_type: str) -> FileType | None:
    """Return the allowed type that a Content-Type names, None for any other."""
    return _BY_CONTENT_TYPE.get(content_type.partition(";")[0].strip().lower())


def content_type_of_name(name: str) -> str:
    """Return the Content-Type that a name suggests, for a file whose content we do not have."""
    file_type = _BY_EXTENSION.get(extension_of(name))
    return file_type.content_type if file_type else mimetypes.guess_type(name)[0] or "application/octet-stream"


def image_type(data: bytes) -> str | None:
    """Return the Content-Type of an image by its content, None for anything else."""
    file_type = _by_magic(data)
    return file_type.content_type if file_type and file_type.kind == "image" else None


def _by_magic(data: bytes) -> FileType | None:
    starts: tuple[tuple[bytes, FileType], ...] = (
        (b"\xff\xd8\xff", _JPEG),
        (b"\x89PNG\r\n\x1a\n", _PNG),
        (b"GIF87a", _GIF),
        (b"GIF89a", _GIF),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _DOC),
    )
    for start, file_type in starts:
        if data.startswith(start):
            return file_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _WEBP
    # The signature alone is two letters, and many texts begin with them.
    if data[:2] == b"BM" and data[6:10] == bytes(4) and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return _BMP
    if b"%PDF-" in data[:1024]:
        return _PDF
    return _DOCX if data[:4] == b"PK\x03\x04" and _holds_word_document(data) else None


def _holds_word_document(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.startswith("word/") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return False


def _is_text(data: bytes) -> bool:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError:
            return False
    return _NO_TEXT.search(data) is None


def _not_allowed(reason: str) -> RequestError:
    allowed = ", ".join(_BY_EXTENSION)
    return RequestError(f"{reason}. Send one of these: {allowed}.", param="file")


def _disguised(extension: str) -> RequestError:
    return RequestError(f"The content does not match the extension .{extension}; correct the name.", param="file")
