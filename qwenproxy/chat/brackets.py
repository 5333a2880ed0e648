"""Where a JSON object or array begins and ends inside other text, however the text is cut. Linear in its length.

Used by the stage that holds an answer to its form. Looks at brackets and quotes only; it does not know whether what
stands between them is JSON.
"""

from __future__ import annotations

import re
from enum import Enum

KIND = {"{": "object", "[": "array"}
OPEN = re.compile(r"[{\[]")
_OUTSIDE_STRINGS = re.compile(r'["{}\[\]]')
_INSIDE_STRINGS = re.compile(r'["\\]')

# Nothing but this may stand before a document that begins the answer: white space, a byte order mark, an open fence.
_NOTHING = re.compile(r"[\s\ufeff]*(?:(?:```|~~~)[^\s`~{\[]*\s*)?\Z")
LONGEST_BEGIN = 300  # characters that may be needed to recognise the begin of a document

# As it begins the answer, and amid prose, which may also hold {names} and [1] marks.
_FIRST = {"{": re.compile(r'\{\s*["}]'), "[": re.compile(r'\[\s*(?:[{\["\]\d-]|true|false|null)')}
_FIRST_CUT = {"{": re.compile(r"\{\s*\Z"), "[": re.compile(r"\[\s*[a-z]{0,4}\Z")}
_AMID = {
    "{": re.compile(r'\{\s*"[^"\\]*(?:\\.[^"\\]*)*"\s*:', re.DOTALL),
    "[": re.compile(r'\[\s*[{\["]'),
}
_AMID_CUT = {
    "{": re.compile(r'\{\s*(?:"[^"\\]*(?:\\.[^"\\]*)*(?:\\|"\s*)?)?\Z', re.DOTALL),
    "[": re.compile(r"\[\s*\Z"),
}


class Sign(Enum):
    """What a bracket is, by what follows it."""

    DOCUMENT = "a value of JSON begins"
    PROSE = "it is punctuation, or a value too plain to tell"
    UNSURE = "more text is needed"


class Balance:
    """Finds the end of a value that begins with a bracket: fed from that bracket on."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._is_escaped = False

    def feed(self, text: str, position: int = 0) -> int | None:
        """Take new text from a position on; return the index right after the value's end, None if that has not come."""
        if self._is_escaped and position < len(text):
            position, self._is_escaped = position + 1, False
        while match := (_INSIDE_STRINGS if self._in_string else _OUTSIDE_STRINGS).search(text, position):
            position = match.end()
            character = match[0]
            if character == '"':
                self._in_string = not self._in_string
            elif character == "\\":
                self._is_escaped = position == len(text)
                position += 1
            else:
                self._depth += 1 if character in KIND else -1
                if self._depth == 0:
                    return position
        return None


class Opening:
    """Finds where a document of one of these kinds begins: `object`, `array`.

    Passes over values of other kinds whole, because what is inside them is not the document.
    """

    def __init__(self, kinds: frozenset[str]) -> None:
        self._kinds = kinds
        self._window = ""  # the text that is not decided yet
        self._passed = 0  # characters before the window
        self._skipping: Balance | None = None

    def feed(self, text: str) -> int | None:
        """Take new text; return how many characters of all text stand before the document, None if none has begun."""
        self._window += text
        position, has_begun = self._search(0)
        self._passed += position
        self._window = self._window[position:]
        return self._passed if has_begun else None

    def _search(self, position: int) -> tuple[int, bool]:
        """Return how much of the window is decided, and whether the document begins there."""
        window = self._window
        while True:
            if self._skipping:
                end = self._skipping.feed(window, position)
                if end is None:
                    return len(window), False
                self._skipping, position = None, end
            match = OPEN.search(window, position)
            if match is None:
                # The begin of the answer decides what its first bracket is.
                return (0 if self._passed + position == 0 and len(window) <= LONGEST_BEGIN else len(window)), False
            is_first = self._passed + position == 0 and is_nothing(window[: match.start()])
            sign = sign_of(window, match.start(), is_first=is_first)
            if sign is Sign.UNSURE:
                return (0 if is_first else match.start()), False
            if sign is Sign.DOCUMENT and KIND[match[0]] in self._kinds:
                return match.start(), True
            if sign is Sign.DOCUMENT:
                self._skipping, position = Balance(), match.start()
            else:
                position = match.end()


def is_nothing(before: str) -> bool:
    """Tell whether what stands before a bracket says nothing, so that the bracket begins the answer."""
    return len(before) <= LONGEST_BEGIN and _NOTHING.match(before) is not None


def sign_of(text: str, position: int, *, is_first: bool, is_whole: bool = False) -> Sign:
    """Return what the bracket at a position is; `is_whole` means that no more text comes."""
    begin = text[position : position + LONGEST_BEGIN]
    bracket = begin[0]
    if (_FIRST if is_first else _AMID)[bracket].match(begin):
        return Sign.DOCUMENT
    may_go_on = (_FIRST_CUT if is_first else _AMID_CUT)[bracket].match(begin)
    return Sign.UNSURE if may_go_on and len(begin) < LONGEST_BEGIN and not is_whole else Sign.PROSE
