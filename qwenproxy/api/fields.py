"""Read single fields of a request's JSON; a wrong type is an error that names the field.

Below the parsers of every wire API. Lenient with habits of JSON writers that change no meaning. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from qwenproxy.errors import RequestError

LARGEST = 2**53 - 1  # every JSON reader reads it exactly; as good as no limit


@contextmanager
def attached_in(field: str) -> Iterator[None]:
    """Let errors about an attachment name this field, for a request without messages."""
    try:
        yield
    except RequestError as error:
        if error.param in ("messages", "file"):
            error.param = field
        raise


def read_whole(
    body: Mapping[str, Any], name: str, *, within: str = "", has_none: bool = False, least: int = 1
) -> int | None:
    """Return a whole number of at least `least`, None if the field is missing. Raises RequestError.

    With `has_none`, -1 means "no limit" and gives None, as in many local servers. Some JSON writers write 100 as 100.0.
    """
    value = body.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and has_none and value == -1:
        return None
    if not is_number or value != value // 1 or value < least:
        raise RequestError(f"{within}{name} must be a whole number of at least {least}.", param=f"{within}{name}")
    return min(int(value), LARGEST)


def read_flag(body: Mapping[str, Any], name: str, *, within: str = "") -> bool | None:
    """Return true or false, None if the field is missing. Raises RequestError."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise RequestError(f"{within}{name} must be true or false.", param=f"{within}{name}")
    return value


def read_text(body: Mapping[str, Any], name: str, *, within: str = "") -> str | None:
    """Return a text, None if it is missing or empty. Raises RequestError."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{within}{name} must be a string.", param=f"{within}{name}")
    return value or None


def read_object(body: Mapping[str, Any], name: str, *, within: str = "") -> Mapping[str, Any]:
    """Return an object, an empty one if the field is missing. Raises RequestError."""
    value = body.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise RequestError(f"{within}{name} must be an object.", param=f"{within}{name}")
    return value or {}


def json_text(value: Any, where: str) -> str:
    """Return a value as compact JSON. Raises RequestError if it is nested too deeply; `where` names it."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise RequestError(f"{where} is nested too deeply.", param=where) from None
