"""Fields of a request's JSON, read one by one: right type or an error that names the field.

Below the parsers of every wire API. Lenient where a JSON writer's habit changes nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.errors import RequestError

MOST = 2**53 - 1  # what every JSON reader holds exactly; as good as no limit for anything that is counted here


def read_whole(body: Mapping[str, Any], name: str, *, within: str = "", has_none: bool = False) -> int | None:
    """Return a whole number of at least 1, None where there is none. Raises RequestError.

    `has_none` takes -1 for "no limit", as many local servers do. Several JSON writers make 100.0 of a 100.
    """
    value = body.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and has_none and value == -1:
        return None
    if not is_number or value != value // 1 or value < 1:
        raise RequestError(f"{within}{name} must be a whole number of at least 1.", param=f"{within}{name}")
    return min(int(value), MOST)


def read_flag(body: Mapping[str, Any], name: str, *, within: str = "") -> bool | None:
    """Return true or false, None where there is neither. Raises RequestError."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise RequestError(f"{within}{name} must be true or false.", param=f"{within}{name}")
    return value


def read_text(body: Mapping[str, Any], name: str, *, within: str = "") -> str | None:
    """Return a text, None where there is none or an empty one. Raises RequestError."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{within}{name} must be a string.", param=f"{within}{name}")
    return value or None


def read_object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an object, an empty one where there is none. Raises RequestError."""
    value = body.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise RequestError(f"{name} must be an object.", param=name)
    return value or {}
