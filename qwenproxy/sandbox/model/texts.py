"""Texts that the model says, cut into the pieces of its frames. Pure."""

from __future__ import annotations

from collections.abc import Iterator

UNICODE_TEXT = (
    "Emoji 🙂👩‍👩‍👧‍👦🏳️‍🌈, Chinese 你好,世界, Japanese こんにちは, Korean 안녕하세요, Russian Привет, Hebrew שלום, "
    "Arabic مرحبا بالعالم, combining é ñ ạ̈, mathematics 𝔘𝔫𝔦, line separator \u2028 paragraph separator \u2029 "
    'next line \x85 no-break\xa0space, tab\tand quote " and backslash \\ end.'
)
# in a numbered chunk; replaced by the machine's monotonic clock (ns) when the chunk leaves
CLOCK = "@0000000000000000000"
_LONG_PIECE = 8192


def words(text: str) -> Iterator[str]:
    """Cut after every second space, so that short answers still come in several pieces."""
    pieces = text.split(" ")
    for start in range(0, len(pieces), 2):
        piece = " ".join(pieces[start : start + 2])
        yield piece if start + 2 >= len(pieces) else piece + " "


def cut(text: str, size: int) -> Iterator[str]:
    """Cut into pieces of `size` characters."""
    return (text[start : start + size] for start in range(0, len(text), size))


def numbered(count: int, size: int, stamp: str) -> Iterator[str]:
    """Return chunks with their numbers, `size` characters each."""
    width = max(3, len(str(count - 1)))
    return (f"chunk-{number:0{width}d}{stamp}".ljust(size - 1, ".") + " " for number in range(count))


def long_text(size: int) -> Iterator[str]:
    """Return numbered lines, `size` characters in all."""
    number = 0
    while size > 0:
        lines = "".join(f"line {number + offset:07d}\n" for offset in range(_LONG_PIECE // 13))
        number += _LONG_PIECE // 13
        yield lines[:size]
        size -= len(lines)
