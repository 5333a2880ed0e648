"""Opaque texts that clients keep for us and send back: `encrypted_content` of reasoning and of compactions. Pure.

They are not secret, because all that stands in one comes from the client's own conversation.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

_MARK = "qwenproxy1."
_LARGEST = 1 << 24  # bytes of one that is opened


def seal(value: Mapping[str, Any]) -> str:
    """Return an opaque text that holds a value."""
    return _MARK + base64.urlsafe_b64encode(zlib.compress(orjson.dumps(value))).decode()


def unseal(text: str) -> dict[str, Any] | None:
    """Return the value of an opaque text, None for one that was not made here."""
    if not text.startswith(_MARK):
        return None
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.urlsafe_b64decode(text.removeprefix(_MARK)), _LARGEST)
        value = orjson.loads(data) if unpacker.eof else None
    except (binascii.Error, ValueError, zlib.error):
        return None
    return value if isinstance(value, dict) else None
