"""What may come under the content type of a stream and is none: a page of the firewall, whose body may never end.

Asked by the event decoder (protocol 6.3 and 6.4). Pure; what an error means is the business of refusals.py.
"""

from __future__ import annotations

from qwenproxy.errors import ProxyError
from qwenproxy.upstream.refusals import error_of_page, error_shown

LONGEST_MARK = 64  # characters: no mark of a human check is longer
PAGE_LIMIT = 1 << 20  # characters that are read of a page


class Marks:
    """Looks for the marks of a human check in a text that comes in pieces, at each character once."""

    def __init__(self) -> None:
        self._edge = ""

    def look(self, text: str, *, page: bool = False) -> ProxyError | None:
        """Return the human check that shows by now; a mark may be cut anywhere. `page` says that this is HTML."""
        part = self._edge + text
        self._edge = part[-LONGEST_MARK:]
        return error_shown(f"<{part}" if page else part)


class Intruder:
    """A page in place of a stream, gathered until it can be judged."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self._marks = Marks()

    @staticmethod
    def begins(text: str) -> bool | None:
        """Tell whether a body that begins so is a page; None where nothing but space has come. No stream begins so."""
        start = text.lstrip("\ufeff\r\n\t ")
        return start.startswith("<") if start else None

    def feed(self, text: str) -> ProxyError | None:
        """Take more of it, "" for silence, which is taken for its end; return what it means once that is known."""
        self._pieces.append(text)
        self._size += len(text)
        if not text or self._size > PAGE_LIMIT:
            return self.end()
        return self._marks.look(text, page=True)

    def end(self) -> ProxyError:
        """Return what it means, as far as it came."""
        return error_of_page("".join(self._pieces))
