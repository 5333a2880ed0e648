"""What a viewer is sent: notes in their order, and of pictures only the newest. Pure, but for its lock.

The browser's side puts in and never waits; the viewer's side takes out at its own pace.
"""

from __future__ import annotations

import struct
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

import orjson

MOST_NOTES = 500  # a viewer that takes none of so many has gone
_HEAD = struct.Struct(">IHH")  # number, width and height in the page's own pixels


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the page as a jpeg.

    `width` and `height` are the page's; the viewer tells by `number` that it has drawn it.
    """

    number: int
    width: int
    height: int
    jpeg: bytes

    def to_bytes(self) -> bytes:
        """Return it as the viewer's page reads it: number, width, height, jpeg."""
        return _HEAD.pack(self.number % 2**32, self.width, self.height) + self.jpeg


class Outbox:
    """The way to one viewer, for any thread."""

    def __init__(self) -> None:
        self._notes: deque[bytes] = deque()
        self._picture: Picture | None = None
        self._is_closed = False
        self._news = threading.Condition()

    @property
    def is_closed(self) -> bool:
        """Whether nothing more goes in; what is in it can still be taken."""
        return self._is_closed

    def note(self, kind: str, /, **values: Any) -> None:
        """Put a note in."""
        with self._news:
            if self._is_closed:
                return
            self._notes.append(orjson.dumps({"kind": kind, **values}))
            self._is_closed = len(self._notes) > MOST_NOTES
            self._news.notify_all()

    def show(self, picture: Picture) -> None:
        """Put a picture in, in the place of one that was not taken."""
        with self._news:
            if not self._is_closed:
                self._picture = picture
                self._news.notify_all()

    def close(self) -> None:
        """Let nothing more in. Idempotent."""
        with self._news:
            self._is_closed = True
            self._news.notify_all()

    def take(self, wait: float) -> bytes | Picture | None:
        """Return what comes next: a note as JSON, or a picture; None if nothing came within `wait` (s), or comes."""
        with self._news:
            self._news.wait_for(lambda: self._notes or self._picture or self._is_closed, wait)
            if self._notes:
                return self._notes.popleft()
            picture, self._picture = self._picture, None
            return picture
