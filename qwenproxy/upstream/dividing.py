"""Divide a conversation that is too long for a question: the older part goes into a text file (protocol 4.9).

The relay uploads the file and asks the question with it. Both together hold every text unchanged and in order. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qwenproxy.chat import Message
from qwenproxy.upstream.folding import Frame, Sections, joined, mark, sections

SHORTEST_END = 1000  # characters of the newest message that always stay in the question
_LINE_SEARCH = 1000  # characters in which we look for a line break to cut a message at


@dataclass(frozen=True, slots=True)
class Divided:
    """A conversation in two: the text of the question, and the file with what comes before it."""

    inline: str
    older: str
    file_name: str


def divide(messages: tuple[Message, ...], frame: Frame, limit: int) -> Divided | None:
    """Return a conversation whose folded text is over `limit` characters, in two; None if nothing can go into a file.

    The newest message and the notes after the conversation stay in the question; of a message that is too long itself,
    its end does. The room that is left goes to the notes before the conversation, then to the system messages at its
    begin, then to the messages before the newest one.
    """
    if not messages:
        return None
    parts = sections(messages, frame)
    file_name = f"context-{parts.key}.txt"
    pointer = (
        f"The attached file {file_name} holds the earlier part of this conversation, which belongs here. Read it "
        "first; the marks in it have the same key."
    )
    newest = parts.messages[-1]
    room = limit - len(joined((parts.head, pointer, *parts.after, "")))
    again = mark(parts.key, messages[-1].role, "goes on") + "\n"
    cut = 0 if len(newest) <= room else _cut_of(newest, max(room - len(again), SHORTEST_END))
    end = again + newest[cut:] if cut else newest
    notes, system, recent = _kept(parts, _leading_system(messages[:-1]), room - len(end))
    middle = parts.messages[system : len(messages) - 1 - recent]
    older = (*parts.before[notes:], *middle, *([newest[:cut]] if cut else []))
    if not older:
        return None
    newer = parts.messages[len(messages) - 1 - recent : -1]
    inline = (parts.head, *parts.before[:notes], *parts.messages[:system], pointer, *newer, end, *parts.after)
    return Divided(joined(inline), joined(older), file_name)


def _kept(parts: Sections, leading_system: int, room: int) -> tuple[int, int, int]:
    """Return how many notes, system messages and messages before the newest one have room in the question."""
    notes = len(parts.before)
    if (length := _length(parts.before)) > room:
        notes = length = 0
    room -= length
    system = leading_system
    if (length := _length(parts.messages[:system])) > room:
        system = length = 0
    room -= length
    recent = 0
    for section in reversed(parts.messages[system:-1]):
        room -= _length([section])
        if room < 0:
            break
        recent += 1
    return notes, system, recent


def _length(texts: Iterable[str]) -> int:
    return sum(len(text) + len("\n\n") for text in texts)


def _leading_system(earlier: Sequence[Message]) -> int:
    """Return how many messages are the system's, from the begin on."""
    return next((at for at, message in enumerate(earlier) if message.role != "system"), len(earlier))


def _cut_of(section: str, room: int) -> int:
    """Return where the end of a section begins that fits into `room`, 0 if all of it does; at a line if one is near."""
    if len(section) <= room:
        return 0
    at = len(section) - room
    line_end = section.find("\n", at, at + min(_LINE_SEARCH, room // 2))
    return line_end + 1 if line_end >= 0 else at
