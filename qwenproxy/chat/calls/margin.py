"""How far the lines of Markdown are indented: a line that stands deep enough is code, which shows something.

A line behind a blank one is code from four columns on, counted from the text of the list item above it: models indent a
call under such an item, and that call is meant. Code goes on while its lines stay that deep. Pure; part of prose.py.
"""

from __future__ import annotations

import re

_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ ]+")
_CODE = 4  # columns; a tab reaches to the next multiple of it
_LONGEST = 120  # characters at the beginning of a line that count


class Margin:
    """The lines of a text up to a place in it."""

    def __init__(self) -> None:
        self._line = ""
        self._is_after_blank = False
        self._was_code = False  # the last line that was not blank
        self._content = 0  # the column of the text of the list item that is open

    def feed(self, text: str, *, in_fence: bool = False) -> None:
        """Take text in; the lines of a fence are no Markdown."""
        *lines, rest = text.split("\n")
        for line in lines:
            self._end_line(self._line + line, in_fence)
            self._line = ""
        self._line = (self._line + rest)[:_LONGEST]

    @property
    def is_code(self) -> bool:
        """Whether a word that comes next stands in a line of code."""
        return self._is_code(self._line)

    def _is_code(self, line: str) -> bool:
        return (self._is_after_blank or self._was_code) and _indent(line) >= self._content + _CODE

    def _end_line(self, line: str, in_fence: bool) -> None:
        if not line.strip():
            self._is_after_blank = True
            return
        self._was_code = not in_fence and self._is_code(line)
        if not in_fence and not self._was_code:
            text = line.lstrip()
            indent = _indent(line)
            if item := _ITEM.match(text):
                self._content = indent + item.end()
            elif self._is_after_blank:
                self._content = min(self._content, indent)
        self._is_after_blank = False


def _indent(line: str) -> int:
    expanded = line.expandtabs(_CODE)
    return len(expanded) - len(expanded.lstrip(" "))
