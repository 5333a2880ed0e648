"""A call that is written in elements: `<function=...>`, `<invoke name=...>` or our own `<use_function name=...>`.

An argument is bare text between two tags, so a file that is written this way may hold the same tags: a closing tag
counts only where the next element or the end of the call follows. One of the notations below reader.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from qwenproxy.chat.calls.draft import FREE, Block, Draft
from qwenproxy.chat.calls.lenient import skip_gap, whole
from qwenproxy.chat.calls.objects import stream_arguments
from qwenproxy.chat.calls.source import Faulty, Incomplete, Source, Steps, Talk, begins
from qwenproxy.chat.calls.tags import Opener, Parameter, look_for_closer, look_for_opener, look_for_parameter

_PLAIN = re.compile(r"[^<]+")
_BREAK = re.compile(r"(?:\r\n?|\n)\Z")
_LOOK = 1000  # characters of white space, and of tags, that a decision waits for
_WRAPPERS = ("</tool_call>", "</tool_calls>", "</function_calls>", "</tools>")
_NEXT = ("<tool_call>", "<function=", "<use_function name=")  # calls behind one that lacks closing tags


def read_element(source: Source, block: Block, opener: Opener) -> Steps[None]:
    """Read the call whose tag comes next. Raises Faulty, or Talk for a tool that is not offered where prose may be."""
    draft = block.draft(opener.name, source)
    source.take(opener.length)
    draft.begin()
    first = yield from skip_gap(source)
    if first not in ("{", "<", "") and (block.needs != FREE or block.offer.anything):
        raise Talk  # words follow: the tag is only mentioned
    if first == "{":
        yield from stream_arguments(source, draft)
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
        if not closer.endswith(("parameter>", "argument>")):
            return True
    if char and not source.ended:
        raise Faulty("its arguments cannot be read")
    if char or not count:
        raise Incomplete
    return False


def _argument(source: Source, draft: Draft, parameter: Parameter, opener: Opener) -> Steps[None]:
    """Read one argument; a line break behind the tag, and then one before the closing tag, belong to the notation."""
    key = parameter.key
    if draft.streams_text(key):
        draft.begin_text(key)
        yield from _text(source, draft, parameter, opener, draft.add_text)
        draft.end_text()
        return
    pieces: list[str] = []
    yield from _text(source, draft, parameter, opener, pieces.append)
    draft.add_bare(key, "".join(pieces))


def _text(
    source: Source, draft: Draft, parameter: Parameter, opener: Opener, sink: Callable[[str], None]
) -> Steps[None]:
    opening_break = yield from _skip_break(source)
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
            sink(held.removesuffix(opening_break))
            return
        text = held + run
        match = _BREAK.search(text)
        held = match.group() if match else ""
        sink(whole(text[: len(text) - len(held)]))
        source.take(len(run))


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
