"""The directives in double braces by which a prompt tells the stand-in model what to do.

Answers, of which the last in the newest turn counts (directly neighbouring {{tool}} and {{call}} ones count together):

    {{echo}}                      all that the model saw, as compact JSON: the site's own messages
    {{view}}  {{view raw}}        the same as a list of {"role","text"}, folded conversations taken apart, or not
    {{say TEXT}}                  TEXT, as it stands
    {{write "JSON string"}}       any text, also one with braces and line breaks
    {{stream chunks=100 interval_ms=20 size=10}}    numbered chunks; stamp=1 adds the time each is sent
    {{long bytes=5000000}}        that many bytes
    {{unicode}}                   characters that are easily broken
    {{tool NAME {"a":1}}}         a call as <tool_call> text
    {{call NAME {"a":1} as=DIALECT}}    a call in the way functions are offered, or in a dialect of dialects.py;
                                  without arguments they are made from the schema
    {{chain [STEP, ...]}}         one step per answer of an agent: the one that is due after the results so far
    {{answers [STEP, ...]}}       one step per answer in this conversation, whatever it was asked; the last repeats

STEP is {"say":TEXT}, {"call":NAME,"arguments":{...},"as":DIALECT}, both in one, or a list of them.

Modifiers, of which those since the answer before the last count:

    {{think summary}}  {{think detail}}             form of the reasoning, where there is any
    {{search web_search_info}}  {{search docs}}     two rounds of web search; form of results; also `parallel`, `glued`
    {{builtin NAME TEXT}}                           a tool of the site (code_interpreter, bio, ...), if it is on
    {{fault KIND key=value ...}}                    any fault of faults/fault.py, for this call

Manners of what the model does by itself (acting.py), for the whole conversation:

    {{document fence}}  prose, chat                 a JSON document in a fence, amid prose, or not at all
    {{breaks N}}  {{breaks N misfit}}  ... chat     the first N documents or calls are broken, wrong, or not there
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qwenproxy.sandbox.model.dialects import DIALECTS
from qwenproxy.sandbox.model.steps import read_steps

_WORDS = ("echo", "view", "say", "stream", "long", "unicode", "tool", "call", "write", "chain", "answers")
ANSWERS = frozenset(_WORDS)
SERIES = frozenset({"chain", "answers"})
_CALLS = frozenset({"tool", "call"})
_OPENING = re.compile(rf"\{{\{{\s*({'|'.join(_WORDS)}|think|search|builtin|fault|document|breaks)\b[ \t]?")
_NAME = re.compile(r"([\w.-]+)\s*")
_CLOSE = re.compile(r"\s*\}\}")
_CALL_CLOSE = re.compile(r"\s*(?:as=(\w+)\s*)?\}\}")


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive. `arguments` is the JSON of those that have some; `dialect` is for call alone."""

    name: str
    text: str
    start: int
    end: int
    arguments: Any = None
    dialect: str = ""

    def option(self, key: str, default: float) -> float:
        """Return the number given as `key=number`."""
        match = re.search(rf"\b{key}=(\d+(?:\.\d+)?)", self.text)
        return float(match[1]) if match else default


def read_directives(prompt: str) -> list[Directive]:
    """Return the directives that count, in the order of the text."""
    return _effective(all_directives(prompt), prompt)


def all_directives(prompt: str) -> list[Directive]:
    """Return every directive in a text, in order."""
    directives: list[Directive] = []
    position, last_close = 0, prompt.rfind("}}")
    # without an end behind it nothing is a directive, and looking for one each time would take long
    while (opening := _OPENING.search(prompt, position)) and opening.end() <= last_close:
        directive = _READERS.get(opening[1], _plain)(prompt, opening)
        if directive is not None:
            directives.append(directive)
        position = directive.end if directive else opening.end()
    return directives


def _plain(prompt: str, opening: re.Match[str]) -> Directive | None:
    close = prompt.find("}}", opening.end())
    if close < 0:
        return None
    return Directive(opening[1], prompt[opening.end() : close], opening.start(), close + 2)


def _call(prompt: str, opening: re.Match[str]) -> Directive | None:
    """Read a function's name and JSON, whose own braces must not end the directive."""
    name = _NAME.match(prompt, opening.end())
    if name is None:
        return None
    arguments: Any = {} if opening[1] == "tool" else None
    end = name.end()
    if prompt.startswith("{", end):
        arguments, end = _json(prompt, end)
        if arguments is ...:
            return None
    close = (_CLOSE if opening[1] == "tool" else _CALL_CLOSE).match(prompt, end)
    dialect = "tool_call" if opening[1] == "tool" else (close[1] or "" if close else "")
    if close is None or (dialect and dialect not in DIALECTS):
        return None
    return Directive(opening[1], name[1], opening.start(), close.end(), arguments, dialect)


def _with_json(prompt: str, opening: re.Match[str]) -> Directive | None:
    start = opening.end()
    while prompt[start : start + 1].isspace():
        start += 1
    arguments, end = _json(prompt, start)
    close = _CLOSE.match(prompt, end)
    if close is None or not _is_sound(opening[1], arguments):
        return None
    return Directive(opening[1], prompt[start:end], opening.start(), close.end(), arguments)


def _json(prompt: str, start: int) -> tuple[Any, int]:
    """Return the JSON value that begins here, and its end; an ellipsis for none."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(prompt, start)
    except ValueError:
        return ..., start


def _is_sound(name: str, arguments: Any) -> bool:
    if name == "write":
        return isinstance(arguments, str)
    try:
        read_steps(arguments)
    except ValueError:
        return False
    return True


_READERS: Mapping[str, Callable[[str, re.Match[str]], Directive | None]] = {
    "tool": _call,
    "call": _call,
    "write": _with_json,
    "chain": _with_json,
    "answers": _with_json,
}


def _effective(directives: list[Directive], prompt: str) -> list[Directive]:
    answers = [index for index, directive in enumerate(directives) if directive.name in ANSWERS]
    if not answers:
        return directives
    first = answers.pop()
    while answers and _neighbours(directives[answers[-1]], directives[first], prompt):
        first = answers.pop()
    return directives[answers[-1] + 1 if answers else 0 :]


def _neighbours(left: Directive, right: Directive, prompt: str) -> bool:
    return {left.name, right.name} <= _CALLS and not prompt[left.end : right.start].strip()
