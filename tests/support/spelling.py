"""Names for parameter sets whose values have none of their own: `ids=spelled`."""

from __future__ import annotations

import json

LONGEST = 40


def spelled(value: object) -> str:
    """Return a value as a short text."""
    text = _text(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, BaseException):
        return f"{type(value).__name__} {value}".rstrip()
    if isinstance(value, bytes):
        return value.decode("ascii", "backslashreplace")
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=_text, ensure_ascii=False)
    return str(value)
