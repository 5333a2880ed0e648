"""Which quote ends a string: in JSON what follows leaves no doubt, and it tells a quote that was not escaped.

Pure, and part of lenient.py.
"""

from __future__ import annotations

import re

from qwenproxy.chat.calls.source import begins

QUOTES = "\"'"
# Where a string stands: a key, a value in an object, the value of an argument as in `name(key=value)`, any other value.
KEY, MEMBER, KEYWORD, ELEMENT = "key", "member", "keyword", "element"
GAP = re.compile(r"(?:\s|\\[nrt])*")
PLAIN = {'"': re.compile(r'[^"\\]+'), "'": re.compile(r"[^'\\]+")}
WINDOW = 1500  # characters; more than three gaps and a key that a decision waits for

_KEYWORD = re.compile(r"\)|[\w.-]{1,128}\s{0,8}=")
_MAY_BE_KEYWORD = re.compile(r"[\w.-]{0,128}\s{0,8}")
_LOOK = 300  # characters of a gap, or of a key, that a decision waits for
_AFTER = ("</", "<tool_call", "<function", "<|", "```")  # what may follow where braces are missing


def ends_string(rest: str, place: str, *, ended: bool) -> bool | None:
    """Tell whether a quote that is followed by `rest` ends its string; None while that is open.

    `rest` holds up to WINDOW characters, and all that is left if the text has `ended`.
    """
    char, after = _follower(rest)
    if not char:
        return True if ended or len(rest) >= _LOOK else None
    if place == KEY:
        return char == ":"
    if char == ")" and place == KEYWORD:
        return True
    if char in "}]":
        return True
    if char in "<`":
        return begins(char + after, _AFTER, ended=ended)
    if char != ",":
        return False
    return _ends_before_comma(after, place, ended)


def _ends_before_comma(after: str, place: str, ended: bool) -> bool | None:
    next_char, after_next = _follower(after)
    if not next_char:
        return True if ended or len(after) >= _LOOK else None
    if place == KEYWORD:
        return _is_keyword(next_char + after_next, ended)
    if place == ELEMENT:
        return next_char in "\"'{[]}-<`tfnTFNI" or next_char.isdecimal()
    if next_char not in QUOTES:
        return next_char in "}]<`"
    return _is_key(after_next, next_char, ended)


def _is_key(rest: str, quote: str, ended: bool) -> bool | None:
    """Tell whether a key and its colon come, after the opening quote of the key."""
    match = PLAIN[quote].match(rest)
    length = match.end() if match else 0
    if length >= _LOOK or rest[length : length + 1] == "\\":
        return True
    if length == len(rest):
        return True if ended else None
    char, _ = _follower(rest[length + 1 :])
    if not char:
        return True if ended or len(rest) - length > _LOOK else None
    return char == ":"


def _is_keyword(rest: str, ended: bool) -> bool | None:
    """Tell whether a key and its `=` come, or the bracket that ends all arguments."""
    if _KEYWORD.match(rest):
        return True
    return None if not ended and _MAY_BE_KEYWORD.fullmatch(rest) else False


def _follower(rest: str) -> tuple[str, str]:
    """Return the first character after a gap, "" if there is none, and what comes after it."""
    match = GAP.match(rest)
    at = match.end() if match else 0
    if rest[at:] == "\\":
        return "", ""  # half of what may be a gap
    return rest[at : at + 1], rest[at + 1 :]
