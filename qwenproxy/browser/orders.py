"""The orders for the page in the next exchange of a tab, kept until the page has them.

A big body goes to the page in pieces, one in each exchange, so that no other answer has to wait for it.
Used by exchange.py alone, from one thread. Knows no driver.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from qwenproxy.browser.page import PageRequest

PIECE = 1 << 18  # characters of bodies in one exchange


@dataclass(slots=True)
class _Upload:
    """A call with a big body on its way to the page; `sent` counts the pieces in batches so far."""

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
    """The orders that wait, and those of the last batch, which may not have arrived."""

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
        """Order the start of a call; a big body goes to the page first."""
        if len(request.body or "") > PIECE:
            self._uploads.append(_Upload(number, request))
        else:
            self._add_start(number, request, body=request.body, pieces=0)

    def abort(self, number: int) -> None:
        """Order the end of a call; forget it if its body is still on its way."""
        self._uploads = deque(upload for upload in self._uploads if upload.number != number)
        self._abort.append(number)

    def hold(self, number: int, held: bool) -> None:
        """Order a pause in the reading of an answer, or its end."""
        self._hold.append((number, held))

    def batch(self) -> dict[str, Any]:
        """Return the orders of the next exchange: all that the page may lack, and the next piece of a body."""
        if self._uploads and not self._parts:
            upload = self._uploads[0]
            self._parts.append(upload.next_piece())
            if upload.sent == upload.pieces:
                self._uploads.popleft()
                self._add_start(upload.number, upload.request, body=None, pieces=upload.pieces)
            else:
                self._uploads.rotate(-1)  # big bodies take turns
        return {"parts": self._parts, "start": self._start, "abort": self._abort, "hold": self._hold}

    def confirm(self) -> int:
        """Record that the page has the last batch; return how many calls it started."""
        starts = len(self._start)
        self._start, self._parts, self._abort, self._hold = [], [], [], []
        return starts

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
