"""Write a JSON schema compactly: leave out what tells the model nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAMES = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DEEPEST = 100
_DATA = frozenset({"enum", "const", "default", "examples", "required"})


def compact(schema: Any, name: str = "", depth: int = 0) -> Any:
    """Return the schema without `$schema`, `$id`, empty descriptions, and titles that only repeat the name.

    `name` is that of the property or definition that the schema describes. What lies too deep stays as it is.
    """
    if depth == _DEEPEST:
        return schema
    if isinstance(schema, list):
        return [compact(each, "", depth + 1) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    short = {}
    for key, value in schema.items():
        if key in ("$schema", "$id") or (key == "description" and value == ""):
            continue
        if key == "title" and isinstance(value, str) and _letters(value) == _letters(name):
            continue
        if key in _NAMES and isinstance(value, Mapping):
            short[key] = {each: compact(inner, each, depth + 1) for each, inner in value.items()}
        else:
            short[key] = value if key in _DATA else compact(value, "", depth + 1)
    return short


def _letters(words: str) -> str:
    return re.sub(r"[\W_]", "", words).casefold()
