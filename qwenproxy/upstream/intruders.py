"""Recognise a page of the firewall under the content type of a stream; its body may never end.

The event decoder uses this (protocol 6.3 and 6.4). Pure; refusals.py decides what an error means.
"""

from __future__ import annotations

from qwenproxy.errors import ProxyError
from qwenproxy.upstream.refusals import error_of_page, human_check_in

LONGEST_MARK = 64  # characters of the longest mark of a human check, and some more
PAGE_LIMIT = 1 << 20  # characters of a page that we read


class Marks:
    """Looks for the marks of a human check in a text that comes in pieces; reads each character once."""

    def __init__(self) -> None:
        self._edge = ""

    def look(self, text: str, *, page: bool = False) -> ProxyError | None:
        """Return the human check that the text shows so far; a piece may end inside a mark. `page`: this is HTML."""
        part = self._edge + text
        self._edge = part[-LONGEST_MARK:]
        return human_check_in(f"<{part}" if page else part)


class Intruder:
    """A page in place of a stream; gathers text until it can judge it."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self._marks = Marks()

    @staticmethod
    def begins(text: str) -> bool | None:
        """Tell whether a body that begins with this text is a page and no stream; None while it is only space."""
        start = text.lstrip("\ufeff\r\n\t ")
        return start.startswith("<") if start else None

    def feed(self, text: str) -> ProxyError | None:
        """Take more text; return the error once it is clear. "" is silence and counts as the end."""
        self._pieces.append(text)
        self._size += len(text)
        if not text or self._size > PAGE_LIMIT:
            return self.end()
        return self._marks.look(text, page=True)

    def end(self) -> ProxyError:
        """Return the error behind the text so far."""
        return error_of_page("".join(self._pieces))
