"""The stage of an answer that makes calls of what the model wrote, and holds the answer to what the request demands.

The pieces come from reader.py and written.py. A call that cannot be carried out gets one correction; after that a
written one stays text, and one from beside the text is dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from qwenproxy.chat import (
    CallArguments,
    CallDropped,
    CallEnded,
    CallStarted,
    ChatRequest,
    Event,
    Finish,
    Image,
    Reasoning,
    Text,
    WrittenCall,
)
from qwenproxy.chat.calls.draft import CallEvent
from qwenproxy.chat.calls.duties import IN_WORDS, Duties
from qwenproxy.chat.calls.reader import Cut, Debris, Piece, Problem, Reader, read_whole
from qwenproxy.chat.calls.source import Faulty
from qwenproxy.chat.calls.written import read_written
from qwenproxy.chat.corrections import Corrections, NeedsCorrection
from qwenproxy.errors import EmptyAnswer, ToolChoiceUnsatisfied

_THOUGHTS = 65_536  # characters at the end of the thoughts in which a call is looked for


def find_calls(events: Iterator[Event], request: ChatRequest, corrections: Corrections) -> Iterator[Event]:
    """Turn the calls in an answer into events, check them, and end the answer behind them.

    Raises NeedsCorrection at the Finish of an answer that can be corrected; else ToolChoiceUnsatisfied for a call that
    the request demands and that is missing, EmptyAnswer where nothing but calls came that cannot be passed on.
    """
    finder = _Finder(request, corrections)
    for event in events:
        if isinstance(event, Text):
            yield from finder.text(event.text)
        elif isinstance(event, WrittenCall):
            yield from finder.written(event)
        elif isinstance(event, Finish):
            yield from finder.finish(event)
        else:
            yield from finder.other(event)
        if finder.is_over:
            return


class _Tail:
    """The end of a text, as far as it is kept."""

    def __init__(self) -> None:
        self._pieces: deque[str] = deque()
        self._length = 0

    def add(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)
        while self._length - len(self._pieces[0]) > _THOUGHTS:
            self._length -= len(self._pieces.popleft())

    @property
    def text(self) -> str:
        return "".join(self._pieces)


class _Finder:
    """One answer."""

    def __init__(self, request: ChatRequest, corrections: Corrections) -> None:
        self.is_over = False
        self._duties = Duties(request)
        self._corrections = corrections
        self._reader = Reader(self._duties.offer, streams=request.streamed)
        self._thoughts = _Tail()
        self._queue: list[Event] = []
        self._problem: Problem | None = None
        self._missed: Problem | None = None  # a call of the site's own tools; it matters only if nothing else came
        self._has_text = False
        self._has_call = False
        self._has_dropped = False

    def text(self, text: str) -> Iterator[Event]:
        """Take text of the answer."""
        yield from self._pieces(self._reader.feed(text))

    def other(self, event: Event) -> Iterator[Event]:
        """Pass an event on that is no text and no call."""
        if isinstance(event, Reasoning):
            self._thoughts.add(event.text)
        elif isinstance(event, Image):
            self._has_text = True
            yield from self._pass(event)
            return
        yield event

    def written(self, call: WrittenCall) -> Iterator[Event]:
        """Take a call from beside the text."""
        reason = "no call may come out"
        if not self._duties.forbidden:
            try:
                yield from self._pieces(read_written(self._duties.offer, call))
                return
            except Faulty as error:
                reason = error.text
            problem = Problem(call.name[:64], reason)
            if call.intercepted and self._duties.offer.tool(call.name) is None:
                self._missed = self._missed or problem
            else:
                self._problem = self._problem or problem
        self._has_dropped = True
        yield from self._pass(CallDropped(call.name, reason))

    def finish(self, event: Finish) -> Iterator[Event]:
        """Judge the answer as a whole, and end it."""
        yield from self._pieces(self._reader.end())
        if self.is_over:
            return
        if not self._has_text and not self._has_call and not self._duties.forbidden:
            yield from self._pieces(_whole_calls(read_whole(self._duties.offer, self._thoughts.text)))
        if self.is_over:
            return
        correction = self._correction
        if correction and self._corrections.available:
            is_free = not self._duties.must_call and not self._duties.forbidden
            raise NeedsCorrection(correction, self._queue if is_free else None)
        if self._lacks_call:
            raise ToolChoiceUnsatisfied("The model did not call the function that tool_choice demands. Ask again.")
        yield from self._flush()
        if self._has_dropped and not self._has_text and not self._has_call:
            raise EmptyAnswer("The model wrote nothing but calls that cannot be passed on. Try again.")
        if self._has_dropped and self._duties.forbidden:
            yield CallDropped("", "no call may come out")
        self.is_over = True
        yield Finish("tool_calls") if self._has_call else event

    @property
    def _lacks_call(self) -> bool:
        return self._duties.must_call and not self._has_call

    @property
    def _correction(self) -> str | None:
        """What the model must be told, None if the answer is good."""
        problem = self._problem
        if problem is None and not self._has_text and not self._has_call:
            if self._duties.forbidden:
                return IN_WORDS if self._has_dropped else None
            problem = self._missed
        if problem is not None:
            return self._duties.correction(problem)
        return self._duties.unmet if self._lacks_call else None

    @property
    def _holds(self) -> bool:
        """Whether nothing may go out yet, because the answer may still be corrected or refused."""
        return self._lacks_call or (self._problem is not None and self._corrections.available)

    def _pass(self, event: Event) -> Iterator[Event]:
        self._queue.append(event)
        if not self._holds:
            yield from self._flush()

    def _flush(self) -> Iterator[Event]:
        events, self._queue = self._queue, []
        yield from events

    def _pieces(self, pieces: Sequence[Piece]) -> Iterator[Event]:
        for piece in pieces:
            if isinstance(piece, Text | Debris):
                yield from self._words(piece)
            elif isinstance(piece, Problem):
                self._note(piece)
            elif self._duties.forbidden:
                self._has_dropped = True
            elif isinstance(piece, Cut):
                yield from self._end("length")
            else:
                yield from self._call(piece)
            if self.is_over:
                return

    def _note(self, problem: Problem) -> None:
        if self._duties.forbidden:
            self._has_dropped = True
            return
        self._problem = self._problem or problem
        if self._has_call:  # the text of this one does not go out
            name = problem.name if problem.name in self._duties.offer.names else ""
            self._queue.append(CallDropped(name, problem.reason))

    def _words(self, piece: Text | Debris) -> Iterator[Event]:
        is_blank = not piece.text.strip()
        if isinstance(piece, Debris) and (self._duties.forbidden or self._has_call):
            return
        if not self._has_call:
            self._has_text = self._has_text or not is_blank
            yield from self._pass(Text(piece.text))
        elif not is_blank:
            # Whatever the model writes here, it has not seen the result of its call.
            yield from self._end("tool_calls")

    def _call(self, event: CallEvent) -> Iterator[Event]:
        self._has_call = True
        yield from self._pass(event)
        if isinstance(event, CallEnded) and self._duties.at_most_one:
            yield from self._end("tool_calls")

    def _end(self, reason: str) -> Iterator[Event]:
        """End the answer before the site does, unless it will be corrected, for which the site must have ended it."""
        if self._problem is not None and self._corrections.available:
            return
        yield from self._flush()
        self.is_over = True
        yield Finish("length" if reason == "length" else "tool_calls")


def _whole_calls(pieces: list[Piece]) -> list[CallEvent]:
    """Return the events of the complete calls."""
    events: list[CallEvent] = []
    complete = 0
    for piece in pieces:
        if isinstance(piece, CallStarted | CallArguments | CallEnded):
            events.append(piece)
            complete = len(events) if isinstance(piece, CallEnded) else complete
    return events[:complete]
