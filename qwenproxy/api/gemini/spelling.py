"""Read objects whose fields Google's API takes in two spellings: `maxOutputTokens` and `max_output_tokens`.

Below the parsers of this API. What a client owns (arguments, results, schemas) never passes through here. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from qwenproxy.errors import RequestError

_AFTER_UNDERSCORE = re.compile(r"(?<=[A-Za-z0-9])_([a-z0-9])")


def camel(name: str) -> str:
    """Return a name in the spelling with capitals."""
    return _AFTER_UNDERSCORE.sub(lambda match: match[1].upper(), name)


def respelled(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its own fields in one spelling, and without those that are null."""
    return {camel(name): inner for name, inner in value.items() if inner is not None}


def object_at(value: Any, where: str) -> dict[str, Any]:
    """Return a value that must be an object, respelled. Raises RequestError."""
    if not isinstance(value, Mapping):
        raise RequestError(f"{where} must be an object.", param=where)
    return respelled(value)


def inner_object(body: Mapping[str, Any], name: str, within: str = "") -> dict[str, Any]:
    """Return the object in a field, respelled; an empty one if it is missing. Raises RequestError."""
    value = body.get(name)
    return {} if value is None else object_at(value, f"{within}{name}")


def list_at(value: Any, where: str) -> Sequence[Any]:
    """Return a value that must be an array; nothing is an empty one, and an object is one of itself.

    Google's readers of JSON take a single object where an array is due. Raises RequestError.
    """
    if value is None:
        return ()
    if isinstance(value, Mapping):
        return (value,)
    if not isinstance(value, list):
        raise RequestError(f"{where} must be an array.", param=where)
    return value
