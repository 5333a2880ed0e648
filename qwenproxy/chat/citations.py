"""Find the marks by which an answer cites the pages of a web search: `[[1]]` in the site's text becomes `[1]`.

A stage of the answer behind those that read calls, before the one that cuts. It does nothing until a Search came: the
same marks elsewhere are ordinary text, and so they are in code. Knows no site and no wire API.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qwenproxy.chat import Citation, Event, Image, Reasoning, Search, SearchResult, Started, Text, Tick, Usage

_MARK = re.compile(r"\[([0-9]{1,3})\]|\[\[([0-9]{1,3})\]\]")
_MAY_BECOME_MARK = re.compile(r"\[[0-9]{0,3}|\[\[(?:[0-9]{1,3}\]?)?")
SHORTEST_FENCE = 3
# Between two pieces of a mark.
_BESIDE_TEXT = (Tick, Usage, Started, Reasoning, Search)


def cite(events: Iterator[Event]) -> Iterator[Event]:
    """Write the marks as `[n]`, and let a Citation follow each of those whose page is known."""
    marks = _Marks()
    for event in events:
        if isinstance(event, Text):
            yield from marks.feed(event.text)
        else:
            if not isinstance(event, _BESIDE_TEXT) and (held := marks.flush()):
                yield Text(held)
            if isinstance(event, Search):
                marks.sources = event.results
            elif isinstance(event, Image):
                marks.skip(event.markdown)
            yield event
            yield from marks.citations()


class _Marks:
    """The marks in a text that comes in pieces; holds back what may yet become one."""

    def __init__(self) -> None:
        self.sources: tuple[SearchResult, ...] | None = None  # None before any search
        self._code = _Code()
        self._held = ""
        self._length = 0  # of all text so far, without what is held back
        self._waiting: list[tuple[int, int, int]] = []  # start, end and number of marks without a Citation so far

    def feed(self, text: str) -> list[Text | Citation]:
        """Take new text; return what is certain by now, each citation right behind its mark."""
        if self.sources is None:
            self._length += len(text)
            return [Text(text)]
        events: list[Text | Citation] = []
        pieces: list[str] = []
        for character in text:
            self._step(character, pieces)
            if self._waiting and self._waiting[-1][1] == self._length and (due := list(self.citations())):
                events += [Text("".join(pieces)), *due]
                pieces.clear()
        return [*events, Text("".join(pieces))] if pieces else events

    def flush(self) -> str:
        """Return what was held back, because no text follows."""
        held, self._held = self._held, ""
        self._length += len(held)
        return held

    def skip(self, text: str) -> None:
        """Count text that is not read for marks."""
        self._length += len(text)

    def citations(self) -> Iterator[Citation]:
        """Return the citations that are due: their text is out, and their page is known."""
        waiting, self._waiting = self._waiting, []
        for start, end, number in waiting:
            if source := self._source(number):
                yield Citation(start, end, source)
            else:
                self._waiting.append((start, end, number))

    def _step(self, character: str, pieces: list[str]) -> None:
        rest, self._held = self._held + character, ""
        is_code = self._code.take(character)
        while rest:
            if is_code or not _MAY_BECOME_MARK.fullmatch(rest):
                if match := _MARK.fullmatch(rest):
                    self._say_mark(match, pieces)
                    return
                self._say(rest[0], pieces)
                rest = rest[1:]
            else:
                self._held = rest
                return

    def _say_mark(self, match: re.Match[str], pieces: list[str]) -> None:
        number = int(match[1] or match[2])
        if not self._is_mark(number):
            self._say(match[0], pieces)
            return
        start = self._length
        self._say(match[0] if match[1] else f"[{number}]", pieces)
        self._waiting.append((start, self._length, number))

    def _say(self, text: str, pieces: list[str]) -> None:
        pieces.append(text)
        self._length += len(text)

    def _is_mark(self, number: int) -> bool:
        """Tell whether this number names a page, or one that may still come."""
        return number > 0 and (not self.sources or number <= len(self.sources))

    def _source(self, number: int) -> SearchResult | None:
        if not self.sources or number > len(self.sources) or not self.sources[number - 1].url:
            return None
        return self.sources[number - 1]


class _Code:
    """Whether a text in Markdown is inside code: a block between fences, or a span within one line."""

    def __init__(self) -> None:
        self._fence = ""  # the run that opened the block
        self._fence_is_new = False  # it stands in the current line
        self._span = 0  # length of the run that opened the span
        self._run = ""  # the run of ` or ~ that is being read
        self._run_is_first = False  # nothing stands before it in its line
        self._line_is_blank = True

    def take(self, character: str) -> bool:
        """Take the next character; return whether it belongs to code."""
        if self._run.startswith(character):
            self._run += character
            return True
        if self._run:
            self._end_run()
        if character in "`~":
            self._run, self._run_is_first, self._line_is_blank = character, self._line_is_blank, False
            return True
        if character == "\n":
            self._line_is_blank, self._span, self._fence_is_new = True, 0, False
        elif character not in " \t>":
            self._line_is_blank = False
        return bool(self._fence or self._span)

    def _end_run(self) -> None:
        run, self._run = self._run, ""
        if self._fence:
            # A run behind an opening one in its line shows that both belong to a span.
            if run.startswith(self._fence) and (self._run_is_first or self._fence_is_new):
                self._fence = ""
        elif self._run_is_first and len(run) >= SHORTEST_FENCE:
            self._fence, self._fence_is_new = run, True
        elif run[0] == "`":
            self._span = 0 if self._span == len(run) else self._span or len(run)
