"""Names for parameter sets whose values have none of their own: `ids=spelled`."""

from __future__ import annotations

import json
import re

LONGEST = 40


def spelled(value: object) -> str:
    """Return a value as a short text."""
    text = _text(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if name := getattr(value, "__name__", None):  # a class or a function
        return str(name)
    if isinstance(value, BaseException):
        return f"{type(value).__name__} {value}".rstrip()
    if isinstance(value, bytes):
        return value.decode("ascii", "backslashreplace")
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=_text, ensure_ascii=False)
    # Addresses differ between the processes of one run, which have to agree on the names.
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))
