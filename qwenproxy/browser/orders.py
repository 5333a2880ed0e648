"""What a tab's owner thread has to tell the page with its next exchange, kept until the page has it.

A big body goes to the page in pieces, one exchange after the other, so that no answer beside it has to wait for it.
Used by tab.py alone, from one thread. Knows no driver.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from qwenproxy.browser.page import PageRequest

PIECE = 1 << 18  # characters of bodies in one exchange


@dataclass(slots=True)
class _Upload:
    """A call whose body is under way to the page; `sent` counts the pieces that were given out."""

    number: int
    request: PageRequest
    sent: int = 0

    @property
    def pieces(self) -> int:
        return -(-len(self.request.body or "") // PIECE)

    def next_piece(self) -> tuple[int, int, str]:
        start = self.sent * PIECE
        self.sent += 1
        return self.number, self.sent - 1, (self.request.body or "")[start : start + PIECE]


class Orders:
    """The orders that wait, and those that were given out but may not have arrived."""

    def __init__(self) -> None:
        self._start: list[dict[str, Any]] = []
        self._parts: list[tuple[int, int, str]] = []
        self._abort: list[int] = []
        self._hold: list[tuple[int, bool]] = []
        self._uploads: deque[_Upload] = deque()
        self._starts = 0

    def __bool__(self) -> bool:
        return bool(self._start or self._parts or self._abort or self._hold or self._uploads)

    @property
    def uploading(self) -> bool:
        """Whether pieces of a body still have to go."""
        return bool(self._uploads)

    def start(self, number: int, request: PageRequest) -> None:
        """Have a call started; where its body is big, once that is in the page."""
        if len(request.body or "") > PIECE:
            self._uploads.append(_Upload(number, request))
        else:
            self._add_start(number, request, body=request.body, pieces=0)

    def abort(self, number: int) -> None:
        """Have a call stopped, or forgotten if its body is still under way."""
        self._uploads = deque(upload for upload in self._uploads if upload.number != number)
        self._abort.append(number)

    def hold(self, number: int, held: bool) -> None:
        """Have the reading of an answer paused, or go on."""
        self._hold.append((number, held))

    def batch(self) -> dict[str, Any]:
        """Return the orders of the next exchange: what the page may not have yet, and the next piece of a body."""
        if self._uploads and not self._parts:
            upload = self._uploads[0]
            self._parts.append(upload.next_piece())
            if upload.sent == upload.pieces:
                self._uploads.popleft()
                self._add_start(upload.number, upload.request, body=None, pieces=upload.pieces)
            else:
                self._uploads.rotate(-1)  # several big bodies share the way
        return {"parts": self._parts, "start": self._start, "abort": self._abort, "hold": self._hold}

    def confirm(self) -> int:
        """Take note that the page has the last batch; return how many calls it started."""
        started = len(self._start)
        self._start, self._parts, self._abort, self._hold = [], [], [], []
        return started

    def _add_start(self, number: int, request: PageRequest, *, body: str | None, pieces: int) -> None:
        self._starts += 1
        self._start.append(
            {
                "nth": self._starts,
                "id": number,
                "method": request.method,
                "path": request.path,
                "headers": dict(request.headers),
                "body": body,
                "pieces": pieces,
            }
        )
