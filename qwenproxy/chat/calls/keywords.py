"""Arguments as a program writes them: `name(key="value", other=3)`, or `name({...})`.

One of the notations below reader.py; elements.py reads the name before them. Values are JSON as lenient.py reads it:
another expression of a program is a fault, because nobody here can work it out.
"""

from __future__ import annotations

import re

from qwenproxy.chat.calls.draft import Draft
from qwenproxy.chat.calls.lenient import skip_gap
from qwenproxy.chat.calls.objects import stream_argument, stream_arguments
from qwenproxy.chat.calls.quotes import KEYWORD, QUOTES
from qwenproxy.chat.calls.source import Faulty, Incomplete, Source, Steps

_KEY = re.compile(r"(?P<key>[\w.-]{1,128})\s{0,8}=")
_MAY_BE_KEY = re.compile(r"[\w.-]{1,128}\s{0,8}")
_LONGEST = 150  # characters of a key and its sign


def stream_keywords(source: Source, draft: Draft) -> Steps[None]:
    """Read the arguments whose `(` comes next into a draft. Raises Faulty."""
    source.take(1)
    if (yield from skip_gap(source)) == "{":
        yield from stream_arguments(source, draft)
    while (char := (yield from skip_gap(source))) != ")":
        if not char:
            raise Incomplete
        if char == ",":
            source.take(1)
            continue
        key = yield from _key(source)
        yield from _refuse_long_string(source)
        yield from stream_argument(source, draft, key, KEYWORD)
    source.take(1)
    if (yield from skip_gap(source)) not in ("<", "`", ""):
        raise Faulty("its arguments cannot be read")


def _key(source: Source) -> Steps[str]:
    while True:
        rest = source.rest(_LONGEST)
        if match := _KEY.match(rest):
            source.take(match.end())
            return match["key"]
        if not _MAY_BE_KEY.fullmatch(rest):
            raise Faulty("its arguments have no names")
        if not (yield from source.more()):
            raise Incomplete


def _refuse_long_string(source: Source) -> Steps[None]:
    """Raise Faulty at three quotes: which of them ends such a string, the rules of JSON cannot tell."""
    char = yield from skip_gap(source)
    while char and char in QUOTES and source.rest(3) == char * len(source.rest(3)):
        if len(source.rest(3)) == 3:
            raise Faulty("a string in it begins with three quotes")
        if not (yield from source.more()):
            return
