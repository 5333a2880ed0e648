"""The events of one response that is made in the background: they come while clients read them, and can be read again.

Event n has the sequence number n. Knows no event but by its frame.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator, Sequence

from qwenproxy.api.answering import KEEP_ALIVE_AFTER
from qwenproxy.api.sse import KEEP_ALIVE
from qwenproxy.chat.waiting import ClientGoneCheck

LOOK_EVERY = 1.0  # seconds between two checks whether the client left
_END = b"\n\n"


class Events:
    """Events that come. Safe among threads."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._is_over = False
        self._changed = threading.Condition()

    def add(self, piece: bytes) -> None:
        """Add the events of a piece of a stream, unless they are over."""
        with self._changed:
            if not self._is_over:
                self._frames += _split(piece)
                self._changed.notify_all()

    def end(self) -> None:
        """Note that no more events come. Idempotent."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def end_with(self, last: Callable[[int], bytes]) -> None:
        """Add one more event, made with its number, and no more after it."""
        with self._changed:
            if not self._is_over:
                self._frames.append(last(len(self._frames)))
                self._is_over = True
                self._changed.notify_all()

    def packed(self) -> bytes:
        """Return the events so far, compressed."""
        with self._changed:
            return zlib.compress(b"".join(self._frames))

    def follow(self, number: int, client_gone: ClientGoneCheck) -> Iterator[bytes]:
        """Yield the events from `number` on until they are over or the client left, with signs of life in silence."""
        silence = 0
        while True:
            frames, is_over = self._since(number)
            yield from frames
            number += len(frames)
            if is_over or client_gone():
                return
            silence = 0 if frames else silence + 1
            if silence and silence % KEEP_ALIVE_AFTER == 0:
                yield KEEP_ALIVE

    def _since(self, number: int) -> tuple[Sequence[bytes], bool]:
        """Wait a moment for events from `number` on; return them, and whether they are the last ones."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or len(self._frames) > number, LOOK_EVERY)
            return self._frames[number:], self._is_over


def unpacked(data: bytes, number: int) -> Iterator[bytes]:
    """Yield kept events from `number` on. Yields none if the data is damaged."""
    try:
        frames = _split(zlib.decompress(data))
    except zlib.error:
        return
    yield from frames[number:]


def _split(piece: bytes) -> list[bytes]:
    return [frame + _END for frame in piece.split(_END) if frame]
