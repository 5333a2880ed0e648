"""A call whose name stands in a tag, as in `<function=...>` or our own `<use_function name=...>`, or bare behind one.

An argument is bare text between two tags, so a file that is written this way may hold the same tags: a closing tag
counts only where the next element or the end of the call follows. One of the notations below reader.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from qwenproxy.chat.calls.draft import FREE, Block, Draft
from qwenproxy.chat.calls.keywords import stream_keywords
from qwenproxy.chat.calls.lenient import skip_gap, whole
from qwenproxy.chat.calls.objects import stream_arguments
from qwenproxy.chat.calls.source import Faulty, Incomplete, Source, Steps, Talk, begins
from qwenproxy.chat.calls.tags import WRAPPED, Opener, Parameter, look_for_closer, look_for_opener, look_for_parameter

_PLAIN = re.compile(r"[^<]+")
_BREAK = re.compile(r"(?:\r\n?|\n)\Z")
_LOOK = 1000  # characters of white space, and of tags, that a decision waits for
_DOUBT = 4000  # characters of an argument that wait for its end, which shows whether a line break began the argument
_WRAPPERS = ("</tool_call>", "</tool_calls>", "</function_call>", "</function_calls>", "</tools>")
_NEXT = ("<tool_call>", "<function=", "<use_function name=")  # calls behind one that lacks closing tags


def read_element(source: Source, block: Block, opener: Opener) -> Steps[None]:
    """Read the call whose tag comes next. Raises Faulty, or Talk for a tool that is not offered where prose may be."""
    draft = block.draft(opener.name, source)
    source.take(opener.length)
    draft.begin()
    first = yield from skip_gap(source)
    has_keywords = first == "(" and opener.closer == WRAPPED
    if first not in ("{", "<", "") and not has_keywords and (block.needs != FREE or block.offer.anything):
        raise Talk  # words follow: the tag is only mentioned
    if first == "{":
        yield from stream_arguments(source, draft)
    elif has_keywords:
        yield from stream_keywords(source, draft)
    elif not (yield from _arguments(source, draft, opener)) and block.is_started:
        # The client sees where the answer was cut. A short call that lacks but its end is a slip of the model.
        raise Incomplete
    draft.end()


def _arguments(source: Source, draft: Draft, opener: Opener) -> Steps[bool]:
    """Read arguments up to the end of the call; return whether it was marked, by whatever tag."""
    count = 0
    while (char := (yield from skip_gap(source))) == "<":
        if parameter := (yield from look_for_parameter(source)):
            source.take(parameter.length)
            yield from _argument(source, draft, parameter, opener)
            count += 1
            continue
        length = yield from look_for_closer(source)
        closer = source.rest(length)
        if closer in _WRAPPERS or (count and not length and (yield from look_for_opener(source))):
            return True
        if not length:
            break  # no tag of ours, or half of one
        source.take(length)
        if not closer.endswith(("parameter>", "argument>", "arg_value>")):
            return True
    if char and not source.ended:
        raise Faulty("its arguments cannot be read")
    if char or not count:
        raise Incomplete
    return False


def _argument(source: Source, draft: Draft, parameter: Parameter, opener: Opener) -> Steps[None]:
    """Read one argument; a line break behind the tag and one before the closing tag belong to the notation.

    One behind the tag alone begins the argument, unless the notation always writes both.
    """
    key = parameter.key
    if draft.streams_text(key):
        draft.begin_text(key)
        yield from _text(source, draft, parameter, opener, draft.add_text)
        draft.end_text()
        return
    pieces: list[str] = []
    yield from _text(source, draft, parameter, opener, pieces.append)
    draft.add_bare(key, "".join(pieces))


class _Text:
    """An argument's text. It waits for its end where only that tells whether the line break before it belongs to it."""

    def __init__(self, sink: Callable[[str], None], doubtful_break: str) -> None:
        self._sink = sink
        self._break = doubtful_break
        self._waiting: list[str] | None = [] if doubtful_break else None
        self._length = 0

    def add(self, text: str) -> None:
        if self._waiting is None:
            self._sink(text)
            return
        self._waiting.append(text)
        self._length += len(text)
        if self._length > _DOUBT:  # a text that long stands on lines of its own
            self._let_go("")

    def end(self, text: str, *, is_paired: bool) -> None:
        if self._waiting is not None:
            self._let_go("" if is_paired else self._break)
        self._sink(text)

    def _let_go(self, beginning: str) -> None:
        waiting, self._waiting = self._waiting or [], None
        self._sink(beginning + "".join(waiting))


def _text(
    source: Source, draft: Draft, parameter: Parameter, opener: Opener, sink: Callable[[str], None]
) -> Steps[None]:
    opening_break = yield from _skip_break(source)
    text = _Text(sink, "" if parameter.has_lines else opening_break)
    held = ""  # the line break that may stand before the closing tag
    while True:
        char = yield from source.peek()
        if not char:
            raise Incomplete
        run = "<"
        if char != "<":
            match = _PLAIN.match(source.text, source.at)
            run = match.group() if match else char
        elif (length := (yield from _ending(source, draft, parameter, opener, bool(held)))) is not None:
            source.take(length)
            # The same break as behind the opening tag; what stands before it belongs to the text.
            text.end(held.removesuffix(opening_break), is_paired=held.endswith(opening_break))
            return
        run, length = held + run, len(run)
        match = _BREAK.search(run)
        held = match.group() if match else ""
        text.add(whole(run[: len(run) - len(held)]))
        source.take(length)


def _skip_break(source: Source) -> Steps[str]:
    """Skip one line break, and return it."""
    char = yield from source.peek()
    if char == "\r":
        while len(source.rest(2)) < 2 and (yield from source.more()):
            pass
    if not (match := re.match(r"\r?\n", source.rest(2))):
        return ""
    source.take(match.end())
    return match.group()


def _ending(source: Source, draft: Draft, parameter: Parameter, opener: Opener, at_line: bool) -> Steps[int | None]:
    """Return the length of the tag that ends an argument here, 0 if that tag belongs to what follows; None for text."""
    while True:
        rest, ended = source.rest(2 * _LOOK), source.ended
        closed = _is_before(rest, (parameter.closer,), (*parameter.opening, opener.closer, *_WRAPPERS, *_NEXT), ended)
        if closed:
            return len(parameter.closer)
        unclosed = _is_before(rest, (opener.closer, *_WRAPPERS), (*_WRAPPERS, *_NEXT), ended)
        if unclosed:
            return 0
        begun = at_line and begins(rest, parameter.opening, ended=ended)
        if begun:
            following = yield from look_for_parameter(source)
            return 0 if following and draft.declares(following.key) else None
        if None not in (closed, unclosed, begun):
            return None
        yield


def _is_before(rest: str, tags: tuple[str, ...], followers: tuple[str, ...], ended: bool) -> bool | None:
    """Tell whether one of these tags comes, and a follower or the end of the answer after it; None while open."""
    if (is_tag := begins(rest, tags, ended=ended)) is not True:
        return is_tag
    after = rest[next(len(tag) for tag in tags if rest.startswith(tag)) :]
    following = after.lstrip()
    if not following:
        return True if ended else None if len(after) < _LOOK else False
    return begins(following, followers, ended=ended)
