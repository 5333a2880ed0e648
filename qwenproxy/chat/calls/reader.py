"""Find the calls in the text of an answer, in every notation, however the text is cut.

The stage above feeds it text and gets pieces: text, calls, and what went wrong. A call that turns out to be none comes
back as the text it was, and what follows it is read again. Knows the notations below; no request and no corrections.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby

from qwenproxy.chat import CallArguments, Text
from qwenproxy.chat.calls.draft import ALONE, FREE, LINE, Block, CallEvent
from qwenproxy.chat.calls.elements import read_element
from qwenproxy.chat.calls.names import Offer
from qwenproxy.chat.calls.objects import read_object
from qwenproxy.chat.calls.prose import Candidate, Prose
from qwenproxy.chat.calls.source import Faulty, Incomplete, Source, Steps, Talk
from qwenproxy.chat.calls.tags import Opener, look_for_bare_name, look_for_closer, look_for_opener

_SPACE = re.compile(r"\s+")
_FENCE = re.compile(r"`{3,}\w{0,12}")
# Characters that may be read again, and how many for each new one: else a text of broken calls would never be done.
_AGAIN, _AGAIN_SHARE = 65_536, 4


@dataclass(frozen=True, slots=True)
class Debris:
    """Text of a call that cannot be carried out."""

    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A call that cannot be carried out: its name, "" if that cannot be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The answer ended, or cannot be read on, in the middle of a call that has started. Nothing follows."""


Piece = Text | CallEvent | Debris | Problem | Cut


class Reader:
    """Reads one text. Text that may yet turn out to begin a call is held back."""

    def __init__(self, offer: Offer, *, streams: bool = True) -> None:
        """`streams` lets a long call out as it comes; without it each call is held to its end, and checked whole."""
        self._offer = offer
        self._streams = streams
        self._source = Source()
        self._pieces: list[Piece] = []
        self._prose = Prose(self._source, self._say, keeps_space=offer.anything)
        self._steps = self._read()
        self._is_over = False
        self._is_debris = False
        self._read_again = 0

    def feed(self, text: str) -> list[Piece]:
        """Take new text in; return what is certain by now."""
        if text and not self._is_over:
            self._source.feed(text)
            self._go_on()
        return self._taken()

    def end(self) -> list[Piece]:
        """End the text; return what was held back."""
        self._source.ended = True
        self._go_on()
        return self._taken()

    def _taken(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return [joined for _, group in groupby(pieces, type) for joined in _joined(list(group))]

    def _go_on(self) -> None:
        if not self._is_over:
            self._is_over = next(self._steps, self) is self

    def _read(self) -> Steps[None]:
        while (candidate := (yield from self._prose.until_call())) is not None:
            block = Block(self._offer, self._deliver, candidate.needs)
            block.is_bare = candidate.is_bare
            block.streams = self._streams and not (candidate.skip or candidate.is_bare)
            self._source.mark()
            try:
                yield from _read_block(self._source, block, candidate)
            except (Talk, Faulty) as error:
                if block.is_started and block.is_certain:
                    self._pieces.append(Cut())
                    return
                self._give_up(block, candidate, error)
            else:
                self._source.unmark()
                self._is_debris = False
                self._prose.begin_after_call()
        self._prose.flush()

    def _give_up(self, block: Block, candidate: Candidate, error: Talk | Faulty) -> None:
        """Make text of a call that is none. Behind it, or inside what was read of it, a good one may follow."""
        is_free = block.needs == FREE and not candidate.skip
        if isinstance(error, Faulty) and (is_free or (block.name and (block.needs == LINE or not candidate.begun))):
            self._pieces.append(Problem(block.name, error.text))
            self._is_debris = True
        read = self._source.rewind()
        self._read_again += len(read)
        spent = self._read_again > _AGAIN + _AGAIN_SHARE * self._source.position
        self._prose.resume(read, skip=spent or isinstance(error, Incomplete))

    def _deliver(self, event: CallEvent) -> None:
        self._prose.begin_after_call()
        self._pieces.append(event)

    def _say(self, text: str) -> None:
        self._pieces.append(Debris(text) if self._is_debris else Text(text))
        if text.lstrip().startswith("</"):
            self._is_debris = False


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Return pieces of one kind as few: a client needs no event for each word."""
    first = pieces[0]
    if len(pieces) == 1 or not isinstance(first, Text | Debris | CallArguments):
        return pieces
    text = "".join(piece.text for piece in pieces if isinstance(piece, Text | Debris | CallArguments))
    return [replace(first, text=text)]


def _read_block(source: Source, block: Block, candidate: Candidate) -> Steps[None]:
    """Read calls that stand together, with all that belongs to their notations. Raises Talk, Faulty."""
    source.take(candidate.skip)
    ends_line = False
    in_wrapper = False
    while True:
        char, has_break = yield from _skip_between(source, block, in_wrapper)
        ends_line = ends_line or has_break
        opener = (yield from _opener(source, block, in_wrapper)) if char != "{" else None
        if char != "{" and opener is None:
            break
        if block.count and block.is_certain and not in_wrapper:
            source.mark()
        block.name = ""
        in_wrapper = opener is not None and not opener.name
        if opener is None:
            yield from read_object(source, block)
        elif opener.name:
            yield from read_element(source, block, opener)
        else:
            source.take(opener.length)
        ends_line = ends_line and in_wrapper
    if not block.count or in_wrapper:
        raise Talk
    if (block.needs == LINE and char and not ends_line) or (block.needs == ALONE and char):
        raise Talk
    block.make_certain()


def _opener(source: Source, block: Block, in_wrapper: bool) -> Steps[Opener | None]:
    """Return what begins a call here, None if nothing does. Inside a wrapper a bare name may begin one."""
    opener = yield from look_for_opener(source)
    if opener is not None or not in_wrapper:
        return opener
    named = yield from look_for_bare_name(source)
    return named if named and (named.is_sure or block.offer.tool(named.name)) else None


def _skip_between(source: Source, block: Block, in_wrapper: bool) -> Steps[tuple[str, bool]]:
    """Skip what may stand before, between and behind calls; return the next character, and whether a line ended."""
    has_break = False
    while char := (yield from source.peek()):
        length = 0
        if char == "[" and (yield from look_for_opener(source)):
            break
        if match := _SPACE.match(source.text, source.at):
            length = match.end() - source.at
            has_break = has_break or "\n" in match.group()
        elif char == "`":
            length = yield from _fence(source)
        elif char == "\\":
            length = yield from _literal_break(source)
        elif not block.is_bare and char in ("[," if not block.count or in_wrapper else "[]},;"):
            length = 1
        elif char == "<" and block.count and not in_wrapper:
            length = yield from look_for_closer(source)
        if not length:
            break
        source.take(length)
    return char, has_break


def _fence(source: Source) -> Steps[int]:
    """Return the length of a fence's marks and word, 0 if they are none."""
    while re.fullmatch(r"`{1,77}\w{0,12}", source.rest(80)) and (yield from source.more()):
        pass
    match = _FENCE.match(source.rest(80))
    return match.end() if match else 0


def _literal_break(source: Source) -> Steps[int]:
    """Return the length of a line break that was written as backslash and letter, 0 if there is none."""
    while len(source.rest(2)) < 2:
        if not (yield from source.more()):
            return 0
    return 2 if source.rest(2) in ("\\n", "\\t", "\\r") else 0


def read_whole(offer: Offer, text: str) -> list[Piece]:
    """Return the pieces of a text that is known whole."""
    reader = Reader(offer)
    return [*reader.feed(text), *reader.end()]
