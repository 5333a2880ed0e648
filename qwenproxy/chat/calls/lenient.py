"""JSON as models write it, read as it comes: every grammatical text exactly, and what can be told of the others.

Line breaks inside strings, `\\n` between the elements, single quotes, Python's literals, commas too many, quotes inside
a string and missing braces before a closing tag are read as they are meant. Knows no calls and no schemas.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from qwenproxy.chat.calls.quotes import ELEMENT, GAP, KEY, MEMBER, PLAIN, QUOTES, WINDOW, ends_string
from qwenproxy.chat.calls.source import Faulty, Incomplete, Source, Steps, begins, finished

DEEPEST = 100  # levels of a value; each costs two frames of Python's stack

_LITERAL = re.compile(r"[\w.+-]+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_HALVES = re.compile("[\ud800-\udfff]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'", "\n": "\n"}
_WORDS = {"true": True, "false": False, "null": None, "none": None, "undefined": None}
_UNREAL = frozenset({"nan", "infinity", "inf"})
_LONGEST_LITERAL = 10_000  # characters; Python reads integers of 4,300
_TAG = "tool_call>"  # a string that holds this and an unescaped quote was never closed


class Unreal(str):
    """A number that JSON cannot carry, such as 1e400, as it was written."""

    __slots__ = ()


def parse(text: str) -> Any:
    """Return the value of a whole text. Raises Faulty."""
    try:
        return json.loads(text, parse_constant=Unreal, parse_int=_integer, parse_float=_decimal)
    except (ValueError, RecursionError):
        pass
    source = Source(text, ended=True)
    value = finished(read_value(source))
    if finished(skip_gap(source)):
        raise Faulty("it is no valid JSON")
    return value


def dumped(value: Any) -> str:
    """Return a value as JSON that every client can read."""
    return json.dumps(_real(value), ensure_ascii=False)


def whole(text: str) -> str:
    """Return a text without halves of surrogate pairs, which could not be sent on."""
    return _HALVES.sub("\ufffd", text)


def read_value(source: Source, place: str = ELEMENT, depth: int = 0) -> Steps[Any]:
    """Read one value. Raises Faulty."""
    if depth > DEEPEST:
        raise Faulty("it is nested too deeply")
    char = yield from skip_gap(source)
    if char and char in QUOTES:
        pieces: list[str] = []
        yield from read_string(source, place, pieces.append)
        return "".join(pieces)
    if char == "{":
        members: dict[str, Any] = {}
        source.take(1)
        while (key := (yield from read_key(source))) is not None:
            members[key] = yield from read_value(source, MEMBER, depth + 1)
        return members
    if char == "[":
        return (yield from _array(source, depth))
    return (yield from _literal(source))


def skip_gap(source: Source) -> Steps[str]:
    """Skip what may stand between two elements; return the character after it, "" at the end."""
    while True:
        match = GAP.match(source.text, source.at)
        if match and match.end() > source.at:
            source.take(match.end() - source.at)
        char = yield from source.peek()
        if not char or (char != "\\" and not char.isspace()):
            return char
        if char == "\\" and len(source.rest(2)) == 2 and not GAP.fullmatch(source.rest(2)):
            return char
        if char == "\\" and len(source.rest(2)) < 2 and not (yield from source.more()):
            return char


def read_key(source: Source) -> Steps[str | None]:
    """Read the next key of an object and its colon; None at its end, where braces may be missing. Raises Faulty."""
    while (char := (yield from skip_gap(source))) == ",":
        source.take(1)
    if not char:
        raise Incomplete
    if char == "}":
        source.take(1)
        return None
    if char in "]<`":
        return None
    if char not in QUOTES:
        raise Faulty("it is no valid JSON")
    pieces: list[str] = []
    yield from read_string(source, KEY, pieces.append)
    if (yield from skip_gap(source)) != ":":
        raise Incomplete if source.ended and not source.rest(1) else Faulty("it is no valid JSON")
    source.take(1)
    return "".join(pieces)


def read_string(source: Source, place: str, sink: Callable[[str], None]) -> Steps[None]:
    """Read a string, whose pieces go to `sink` as they come. Raises Faulty."""
    quote = source.text[source.at]
    source.take(1)
    has_tag = False
    quotes = 0
    tail = ""
    while True:
        char = yield from source.peek()
        if not char:
            raise Incomplete
        if char == "\\":
            yield from _escape(source, sink)
        elif char == quote:
            if (yield from _closes(source, place)):
                if quotes % 2 and quote == '"':
                    raise Faulty("a quote in it is not escaped")  # which of them ends the string, nobody can tell
                source.take(1)
                return
            quotes += 1
            sink(quote)
            source.take(1)
        else:
            match = PLAIN[quote].match(source.text, source.at)
            piece = match.group() if match else ""
            at = -1 if has_tag else (tail + piece).find(_TAG)
            if at >= 0:
                has_tag = True
                piece = piece[: at + len(_TAG) - len(tail)]
            tail = (tail + piece)[1 - len(_TAG) :]
            sink(whole(piece))
            source.take(len(piece))
        if has_tag and quotes:
            raise Faulty("a string in it is not closed")


def _array(source: Source, depth: int) -> Steps[list[Any]]:
    elements: list[Any] = []
    source.take(1)
    while True:
        char = yield from skip_gap(source)
        if not char:
            raise Incomplete
        if char == "]":
            source.take(1)
            return elements
        if char in "}<`":
            return elements
        if char == ",":
            source.take(1)
        else:
            elements.append((yield from read_value(source, ELEMENT, depth + 1)))


def _literal(source: Source) -> Steps[Any]:
    length = 0
    while True:
        match = _LITERAL.match(source.text, source.at + length)
        length += len(match.group()) if match else 0
        if length > _LONGEST_LITERAL:
            raise Faulty("a number in it is too long")
        if source.at + length < len(source.text) or not (yield from source.more()):
            break
    word = source.rest(length)
    source.take(length)
    if not word:
        raise Faulty("it is no valid JSON") if source.rest(1) else Incomplete
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if word.lstrip("+-").lower() in _UNREAL:
        return Unreal(word)
    if _NUMBER.fullmatch(word):
        return number(word)
    raise Faulty("it is no valid JSON")


def number(text: str) -> int | float | Unreal:
    """Return the number that a text is. Raises ValueError."""
    return _integer(text) if text.lstrip("+-").isdecimal() else _decimal(text)


def _integer(text: str) -> int | Unreal:
    try:
        return int(text)
    except ValueError:  # Python reads 4,300 digits
        return Unreal(text)


def _decimal(text: str) -> float | Unreal:
    value = float(text)
    return value if math.isfinite(value) else Unreal(text)


def _escape(source: Source, sink: Callable[[str], None]) -> Steps[None]:
    """Read an escaped character; a backslash before any other one stands for itself, as in a path of Windows."""
    while len(source.rest(2)) < 2:
        if not (yield from source.more()):
            raise Incomplete
    char = source.rest(1, skip=1)
    if char != "u":
        sink(_ESCAPES.get(char, whole("\\" + char)))
        source.take(2)
        return
    text, length = yield from _code_point(source)
    sink(text)
    source.take(length)


def _code_point(source: Source) -> Steps[tuple[str, int]]:
    """Return the character that `\\uXXXX` means, both halves of a pair together, and the length of what was written."""
    while len(source.rest(6)) < 6:
        if not (yield from source.more()):
            raise Incomplete
    if not _HEX.fullmatch(source.rest(4, skip=2)):
        return "\\u", 2
    code = int(source.rest(4, skip=2), 16)
    if not 0xD800 <= code < 0xDC00:
        return whole(chr(code)), 6
    while begins(source.rest(2, skip=6), ("\\u",), ended=source.ended) is None or (
        source.rest(2, skip=6) == "\\u" and len(source.rest(6, skip=6)) < 6
    ):
        if not (yield from source.more()):
            raise Incomplete
    low = source.rest(4, skip=8)
    if source.rest(2, skip=6) == "\\u" and _HEX.fullmatch(low) and 0xDC00 <= int(low, 16) < 0xE000:
        return chr(0x10000 + ((code - 0xD800) << 10) + int(low, 16) - 0xDC00), 12
    return "\ufffd", 6


def _closes(source: Source, place: str) -> Steps[bool]:
    """Tell whether the quote that comes next ends its string: by what follows, which in valid JSON leaves no doubt."""
    while True:
        verdict = ends_string(source.rest(WINDOW, skip=1), place, ended=source.ended)
        if verdict is not None:
            return verdict
        yield


def _real(value: Any) -> Any:
    """Return a value without halves of surrogate pairs. A number that JSON cannot carry stays the text it was."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {whole(key): _real(each) for key, each in value.items()}
    return [_real(each) for each in value] if isinstance(value, list) else value
