"""Text that is still coming, for readers that are written as if all of it were there.

A reader is a generator: it yields where it needs more text than has come, and is resumed when there is more. So every
reader of this room sees the same text however it was cut. Below all of them; knows nothing of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

Result = TypeVar("Result")
Steps = Generator[None, None, Result]  # yields None where it waits for text

LONGEST_HELD = 4_000_000  # characters that wait for their meaning, at most; a file that a call writes is far shorter


class Talk(Exception):
    """What looked like a call is none: text that happens to begin like one."""


class Faulty(Exception):
    """A call was meant, but it cannot be carried out; `text` says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Incomplete(Faulty):
    """The text ended in the middle of a call."""

    def __init__(self) -> None:
        super().__init__("the answer ended in its middle")


class Source:
    """A text to read from. `text[at:]` is what has come and is not yet read; `ended` says that nothing will follow."""

    def __init__(self, text: str = "", *, ended: bool = False) -> None:
        self.text = text
        self.at = 0
        self.ended = ended
        self._length_before = 0  # characters that no longer stand in `text`
        self._kept: list[str] | None = None  # pieces since the mark, joined once: a call may come letter by letter
        self._kept_from = 0
        self._held_from: int | None = None
        self._alarm: tuple[int, Callable[[], None]] | None = None

    @property
    def position(self) -> int:
        """The number of characters read."""
        return self._length_before + self.at

    def feed(self, text: str) -> None:
        """Take new text in."""
        if self._kept is not None:
            self._kept.append(self.text[self._kept_from : self.at])
            self._kept_from = 0
        self._length_before += self.at
        self.text = self.text[self.at :] + text
        self.at = 0

    def take(self, count: int) -> None:
        """Count characters as read. Raises Faulty if too much is held back."""
        self.at += count
        position = self._length_before + self.at
        if self._alarm is not None and position >= self._alarm[0]:
            (_, ring), self._alarm = self._alarm, None
            ring()
        if self._held_from is not None and position - self._held_from > LONGEST_HELD:
            raise Faulty("it is too long")

    def peek(self) -> Steps[str]:
        """Return the next character, "" at the end."""
        while self.at >= len(self.text):
            if self.ended:
                return ""
            yield
        return self.text[self.at]

    def more(self) -> Steps[bool]:
        """Wait for more text; return False if there is none."""
        if self.ended:
            return False
        yield
        return True

    def rest(self, length: int, skip: int = 0) -> str:
        """Return up to `length` characters that have come, after the next `skip` ones."""
        begin = self.at + skip
        return self.text[begin : begin + length]

    def mark(self) -> None:
        """Keep what is read from here on, so that it can be read again."""
        self._kept, self._kept_from = [], self.at
        self.hold()

    def unmark(self) -> None:
        """Keep nothing any more."""
        self._kept = self._held_from = self._alarm = None

    def rewind(self) -> str:
        """Go back to the mark; return what had been read since."""
        assert self._kept is not None
        read = "".join(self._kept) + self.text[self._kept_from : self.at]
        self._length_before = self.position - len(read)
        self.text = read + self.text[self.at :]
        self.at = 0
        self.unmark()
        return read

    def hold(self) -> None:
        """Begin to count what is held back."""
        self._held_from = self.position

    def ring_after(self, count: int, ring: Callable[[], None]) -> None:
        """Call `ring` once this many more characters are read."""
        self._alarm = (self.position + count, ring)

    def no_alarm(self) -> None:
        """Forget the alarm."""
        self._alarm = None


def begins(text: str, words: tuple[str, ...], *, ended: bool) -> bool | None:
    """Tell whether a text begins with one of some words; None while that is open."""
    if text.startswith(words):
        return True
    if not ended and any(word.startswith(text) for word in words):
        return None
    return False


def finished(steps: Steps[Result]) -> Result:
    """Return what a reader makes of a source that has ended."""
    try:
        next(steps)
    except StopIteration as end:
        result: Result = end.value
        return result
    raise AssertionError("a reader waits for text that never comes")
