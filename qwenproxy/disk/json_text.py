"""The one reader of JSON that others wrote: bodies of HTTP, messages of WebSockets, files on the disk.

Stands below everything that takes JSON in. Lenient where that loses nothing, because programs write JSON in many
ways; must not know where a text comes from, nor put the words of a library into an error.
"""

from __future__ import annotations

import codecs
import json
import math
from typing import Any, NoReturn

import orjson

# Encodings of Python's that are no character sets, or that take far too long over a long text.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "mbcs", "oem"})
_MOST_DIGITS = 300  # of a whole number; one longer than that is infinite as a float


class NotJson(ValueError):
    """A text is not JSON; the message goes on from "it": `is empty`."""


def read_json(data: bytes | str, charset: str | None = None) -> Any:
    """Return what a JSON text says. Raises NotJson.

    Half a surrogate pair, as JavaScript leaves it behind when it cuts an emoji, becomes U+FFFD; a byte order mark does
    not count. Without a `charset` RFC 4627 tells UTF-8, UTF-16 and UTF-32 apart.
    """
    if charset is None or isinstance(data, str):
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            pass
    text = _decode(data, charset).removeprefix("\ufeff")
    if not text.strip():
        raise NotJson("is empty")
    try:
        # Python's reader takes halves of surrogate pairs; orjson then checks its own bounds.
        value = json.loads(text, parse_constant=_refuse, parse_int=_integer, parse_float=_float)
        return orjson.loads(without_halves(json.dumps(value, ensure_ascii=False)))
    except orjson.JSONDecodeError:
        raise NotJson("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"is not valid JSON at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise NotJson("is nested too deeply") from None


def without_halves(text: str) -> str:
    """Return a text that can be written as UTF-8: halves of surrogate pairs become U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _decode(data: bytes | str, charset: str | None) -> str:
    if isinstance(data, str):
        return data
    try:
        name = codecs.lookup(charset).name if charset else json.detect_encoding(data)
        if name.replace("-", "_") in _NO_CHARSETS:
            raise LookupError(name)
        return data.decode(json.detect_encoding(data) if name == "utf-8" else name, "surrogatepass")
    except (LookupError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise NotJson(f"is not text in {charset or 'UTF-8'}") from None
        raise NotJson("is in a character set that is unknown here; send UTF-8") from None


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise NotJson("holds a number that is out of range")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise NotJson("holds a number that is out of range")
    return number


def _refuse(name: str) -> NoReturn:
    raise NotJson(f"holds {name}, which is not JSON")
