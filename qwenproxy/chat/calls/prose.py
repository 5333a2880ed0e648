"""The answer between calls: text that passes at once, and the places where a call may begin.

What stands in a code fence or in quotation marks is shown, not meant. Only a tag that opens a call, an object that
begins the answer, and a fence with an object in it may be one; the reader tries them. Knows the lines of a text, no
arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from qwenproxy.chat.calls.draft import ALONE, FREE, LINE
from qwenproxy.chat.calls.margin import Margin
from qwenproxy.chat.calls.source import Source, Steps
from qwenproxy.chat.calls.tags import look_for_closer, look_for_opener

_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[^\s<`~\[✿]+")
_RUN = re.compile(r"[^\n<`~\[✿]+")
_OPENING_QUOTE = re.compile(r"(?:^|[\s(\[])[\"'“‘«„]\Z")
_FENCE = re.compile(r"(?:`{3,}|~{3,})[ \t]*(?:json|xml|tool_calls?|tool_code|)[ \t]*\r?\n\s*(?=(?P<first>[\[{<]))")
_MAY_BE_FENCE = re.compile(r"(?:`+|~+)[ \t]*\w{0,12}[ \t]*(?:\r?\n\s{0,200}|\r)?")
_CLOSED = re.compile(r"[ \t]*(?P<marks>`+|~+)[ \t]*\r?(?:\n|\Z)")
_MAY_BE_CLOSED = re.compile(r"[ \t]{0,40}(?:`{0,40}|~{0,40})[ \t]{0,40}\r?")
_LINE = re.compile(r"[^\n]*\n?")
_OPENING_LINE = re.compile(r"[^\n`]*\n?")
_MARKS = {"`": re.compile("`+"), "~": re.compile("~+")}
_COMPLAINT = re.compile(r"Tool \S{1,128} does not exists\.")
_COMPLAINTS = re.compile(rf"(?:{_COMPLAINT.pattern}[ \t]*)+(?P<end>\r?\n|\Z)?")
_FIRST = "<[{✿"  # what a call outside a fence begins with
_LONGEST = 2000  # characters that are looked at in one go


def _prefixes(text: str) -> str:
    return "|".join(re.escape(text[:length]) for length in range(len(text) + 1))


_MAY_COMPLAIN = re.compile(
    rf"(?:{_COMPLAINT.pattern}[ \t]*)*(?:{_prefixes('Tool ')}|Tool \S{{1,128}}(?:{_prefixes(' does not exists.')}))\r?"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where a call may begin. `skip` characters of a fence stand before it; `begun`: text stands before it.

    `is_bare` says that it has no tag and no fence, but text before it.
    """

    needs: str
    begun: bool
    skip: int = 0

    @property
    def is_bare(self) -> bool:
        return self.needs == ALONE and self.begun and not self.skip


class Prose:
    """The text of an answer, and where in its lines it stands.

    Text goes to `say`, white space only when more follows.
    """

    def __init__(self, source: Source, say: Callable[[str], None], *, keeps_space: bool = False) -> None:
        """`keeps_space` says that text goes on where a call was, since it is left out."""
        self._keeps_space = keeps_space
        self._source = source
        self._say_it = say
        self._spaces: list[str] = []
        self._last = ""  # the last characters of the text
        self._fence = ""  # the marks of the fence that is open
        self._is_opening_line = False  # of that fence
        self._ticks = 0  # the backticks that opened a quotation in this line
        self._at_line = True  # nothing but white space stands in this line
        self._is_quote = False  # a mark of quotation begins this line
        self._margin = Margin()
        self._begun = False
        self._complained = False
        self._barred = -1  # where no call begins, because it was tried
        self._doubtful_until = 0  # up to here a call must begin its line, because a broken one may quote it

    def until_call(self) -> Steps[Candidate | None]:
        """Pass text on up to a place where a call may begin; None at the end."""
        source = self._source
        while char := (yield from source.peek()):
            if self._fence:
                yield from self._fenced()
            elif char.isspace():
                self._space()
            elif char == ">" and self._at_line:
                self._is_quote = True
                self._take(1)
            elif source.position != self._barred and (candidate := (yield from self._candidate(char))):
                return candidate
            elif char in "`~":
                yield from self._marks(char)
            elif char == "<":
                length = 0 if self._ticks else (yield from look_for_closer(source))
                self._take(length or 1)
                self._at_line = bool(length)
            elif char != "T" or not self._at_line or not (yield from self._complaint()):
                pattern = _WORD if self._at_line else _RUN
                match = pattern.match(source.text, source.at)
                self._take(match.end() - source.at if match else 1)
        return None

    def flush(self) -> None:
        """Pass on what was held back."""
        if self._spaces:
            self._say_it("".join(self._spaces))
            self._spaces = []

    def begin_after_call(self) -> None:
        """Go on behind a call: the white space around it belongs to the notation."""
        if not self._keeps_space:
            self._spaces = []
        elif not self._spaces and self._last:
            self._spaces = ["\n"]
        self._margin.feed(".")  # so that the line of the call counts as one with words
        self._at_line = self._begun = True
        self._ticks = 0

    def resume(self, read: str, *, skip: bool) -> None:
        """Go on where a call was tried in vain and `read` was read: behind it (`skip`), or inside it."""
        self._barred = self._source.position
        self._doubtful_until = self._barred + len(read)
        if skip:
            self._take(len(read))
            self._at_line = False

    def _candidate(self, char: str) -> Steps[Candidate | None]:
        if char in "`~":
            # Where no functions are on offer, a fence shows something.
            return (yield from self._fence_with_call()) if self._at_line and not self._keeps_space else None
        if char not in _FIRST or self._ticks or self._is_quote or (self._begun and self._margin.is_code):
            return None
        is_sound = self._source.position >= self._doubtful_until
        if char != "{" and not _OPENING_QUOTE.search(self._last) and (yield from look_for_opener(self._source)):
            if self._at_line:
                return Candidate(FREE, begun=self._begun)
            return Candidate(LINE, begun=True) if is_sound else None
        return Candidate(ALONE, begun=self._begun) if is_sound and self._may_be_bare(char) else None

    def _may_be_bare(self, char: str) -> bool:
        """Tell whether JSON may be a call: not where no functions are on offer, and behind text in its own line."""
        if self._keeps_space:
            return False
        return char == "{" and self._at_line if self._begun else char in "{["

    def _fence_with_call(self) -> Steps[Candidate | None]:
        while True:
            rest = self._source.rest(_LONGEST)
            if match := _FENCE.match(rest):
                is_shown = self._begun and match["first"] == "<"
                return None if is_shown else Candidate(ALONE, begun=self._begun, skip=match.end())
            if not _MAY_BE_FENCE.fullmatch(rest) or not (yield from self._source.more()):
                return None

    def _take(self, count: int) -> None:
        text = self._source.rest(count)
        self._source.take(count)
        self._say(text)
        self._margin.feed(text, in_fence=bool(self._fence))
        self._at_line = False
        self._begun = True

    def _say(self, text: str) -> None:
        end = len(text.rstrip())
        if end:
            self._say_it("".join(self._spaces) + text[:end])
            self._spaces = []
        if end < len(text):
            self._spaces.append(text[end:])
        self._last = (self._last + text)[-2:]

    def _space(self) -> None:
        match = _SPACE.match(self._source.text, self._source.at)
        text = match.group() if match else ""
        self._source.take(len(text))
        self._margin.feed(text)
        if not self._complained or self._begun:
            self._say(text)
        if "\n" in text:
            self._at_line = True
            self._is_quote = False
            self._ticks = 0

    def _marks(self, char: str) -> Steps[None]:
        """Read a run of backticks or tildes: it opens a fence, or a quotation, or closes one."""
        source = self._source
        length = 0
        while True:
            match = _MARKS[char].match(source.text, source.at + length)
            length += match.end() - match.start() if match else 0
            if source.at + length < len(source.text) or length >= _LONGEST or not (yield from source.more()):
                break
        length = min(length, _LONGEST)
        if self._at_line and length >= 3:
            self._fence, self._is_opening_line = char * length, True
        elif char == "`" and self._ticks in (0, length):
            self._ticks = 0 if self._ticks else length
        self._take(length)

    def _fenced(self) -> Steps[None]:
        """Pass on the inside of a fence up to the end of its line, and close the fence with its last line."""
        source = self._source
        if self._is_opening_line:
            char = yield from source.peek()
            if char == self._fence[0] == "`":
                self._fence = ""  # no fence, but a quotation in its line
                return
        elif self._at_line:
            while _MAY_BE_CLOSED.fullmatch(source.rest(_LONGEST)) and (yield from source.more()):
                pass
            match = _CLOSED.match(source.rest(_LONGEST))
            if match and match["marks"].startswith(self._fence):
                self._fence = ""
                self._take(match.end())
                self._at_line = True
                return
        pattern = _OPENING_LINE if self._is_opening_line and self._fence[0] == "`" else _LINE
        match = pattern.match(source.text, source.at)
        text = match.group() if match else ""
        self._take(len(text))
        if text.endswith("\n"):
            self._at_line, self._is_opening_line = True, False

    def _complaint(self) -> Steps[bool]:
        """Drop the site's own sentence on a tool, if it begins the answer or fills its line."""
        source = self._source
        while True:
            rest = source.rest(_LONGEST)
            match = _COMPLAINTS.match(rest)
            if not self._begun and (first := _COMPLAINT.match(rest)):
                self._complained = True
                source.take(first.end())
                return True
            if match and match["end"] and match["end"].endswith("\n"):
                source.take(match.end())
                return True
            may_go_on = _MAY_COMPLAIN.fullmatch(rest) or (match and match.end() == len(rest))
            if not may_go_on or len(rest) == _LONGEST or not (yield from source.more()):
                break
        if match and match.end() == len(rest):
            source.take(match.end())
            return True
        return False
