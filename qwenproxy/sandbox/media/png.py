"""Real pictures of a few hundred bytes: PNG files of any size in two colours that a text decides (ISO 15948)."""

from __future__ import annotations

import hashlib
import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE = 3
_BAND = 64  # lines of one colour


def picture(width: int, height: int, text: str) -> bytes:
    """Return a PNG file: bands in two colours made from the text, one bit a pixel."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    line_bytes = (width + 7) // 8
    lines = b"".join(b"\0" + (b"\xff" if row // _BAND % 2 else b"\0") * line_bytes for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 1, _PALETTE, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", head),
            _chunk(b"PLTE", digest[:6]),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
