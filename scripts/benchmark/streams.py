"""What the load generator sees of its streams. Knows nothing of how they arrive."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

STAMP = re.compile(rb"chunk-(\d+)@(\d+)")
STREAM_WAIT = 120.0  # seconds one stream may take


class Stream:
    """One stream as it arrives. Times are in ms: `first` until the first chunk, `chat` until the site made the chat."""

    def __init__(self, repeats: bytes = b"") -> None:
        """From `repeats` on the stream brings its chunks a second time: those do not count."""
        self._repeats = repeats
        self._is_repeating = False
        self.begun = time.monotonic_ns()
        self.numbers: list[int] = []
        self.delays: list[float] = []
        self.first = float("nan")
        self.chat = float("nan")  # part of `first`
        self.ended = False
        self._tail = b""

    def age(self) -> float:
        """Return the ms since the stream began."""
        return (time.monotonic_ns() - self.begun) / 1e6

    def feed(self, data: bytes) -> None:
        """Note the chunks in the next piece of the stream."""
        if self._is_repeating:
            return
        now = time.monotonic_ns()
        text = self._tail + data
        if self._repeats and self._repeats in text:
            self._is_repeating = True
            text = text[: text.index(self._repeats)]
        last = 0
        for match in STAMP.finditer(text):
            if match.end() == len(text):
                break  # the stamp may go on in the next piece
            last = match.end()
            if not self.numbers:
                self.first = (now - self.begun) / 1e6
            self.numbers.append(int(match[1]))
            self.delays.append((now - int(match[2])) / 1e6)
        self._tail = text[last:][-64:]

    def complete(self, chunks: int) -> bool:
        """Tell whether the stream ended and brought each of so many chunks once, in order."""
        return self.ended and self.numbers == list(range(chunks))


async def run_together(one: Callable[[], Awaitable[Stream]], count: int) -> list[Stream]:
    """Run `count` streams at once. A stream that fails comes back empty."""
    tasks = [asyncio.wait_for(one(), STREAM_WAIT) for _ in range(count)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    return [outcome if isinstance(outcome, Stream) else Stream() for outcome in outcomes]
