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

Text that begins like one of these and cannot be read is no directive; the model says so when a person wrote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qwenproxy.sandbox.model.dialects import DIALECTS
from qwenproxy.sandbox.model.steps import read_steps

_WORDS = ("echo", "view", "say", "stream", "long", "unicode", "tool", "call", "write", "chain", "answers")
ANSWERS = frozenset(_WORDS)
SERIES = frozenset({"chain", "answers"})
_CALLS = frozenset({"tool", "call"})
_OPENING = re.compile(rf"\{{\{{\s*({'|'.join(_WORDS)}|think|search|builtin|fault|document|breaks)\b[ \t]?")
# prompts also hold templates, such as {{ tool }} and {{answers | join}}; those are no directives that went wrong
_MEANT = re.compile(r"\{\{\w+\s+[^\s|}.$]")
_UNCLOSED = "it does not end with }}"
_NAME = re.compile(r"([\w.-]+)\s*")
_CLOSE = re.compile(r"\s*\}\}")
_CALL_CLOSE = re.compile(r"\s*(?:as=(\w+)\s*)?\}\}")
_NUMBERS = {"stream": ("chunks", "interval_ms", "size", "stamp"), "long": ("bytes", "interval_ms")}
_NUMBER = re.compile(r"(\w+)=\d+(?:\.\d+)?")


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
    return [one for one in _read(prompt) if isinstance(one, Directive)]


def trouble_in(prompt: str) -> str:
    """Return why the first directive that cannot be read cannot; "" if all can be read."""
    return next((one for one in _read(prompt) if isinstance(one, str)), "")


def _read(prompt: str) -> Iterator[Directive | str]:
    """Yield each directive, or why it cannot be read."""
    position, last_close = 0, prompt.rfind("}}")
    while opening := _OPENING.search(prompt, position):
        position = opening.end()
        try:
            # without an end behind it nothing is a directive, and reading it each time would take long
            if position > last_close:
                raise ValueError(_UNCLOSED)
            directive = _READERS.get(opening[1], _plain)(prompt, opening)
        except ValueError as error:
            if _MEANT.match(prompt, opening.start()):
                yield f"{opening[1]}: {error}"
                if position > last_close:
                    return
        else:
            if directive is not None:
                position = directive.end
                yield directive


def _plain(prompt: str, opening: re.Match[str]) -> Directive:
    close = prompt.index("}}", opening.end())
    return Directive(opening[1], prompt[opening.end() : close], opening.start(), close + 2)


def _with_numbers(prompt: str, opening: re.Match[str]) -> Directive:
    directive = _plain(prompt, opening)
    known = _NUMBERS[directive.name]
    for word in directive.text.split():
        number = _NUMBER.fullmatch(word)
        if number is None or number[1] not in known:
            raise ValueError(f"{word!r} is none of its options; they are {', '.join(known)}, each =NUMBER")
    return directive


def _call(prompt: str, opening: re.Match[str]) -> Directive | None:
    """Read a function's name and JSON, whose own braces must not end the directive."""
    name = _NAME.match(prompt, opening.end())
    if name is None:
        return None
    arguments: Any = {} if opening[1] == "tool" else None
    end = name.end()
    if prompt.startswith("{", end):
        arguments, end = _json(prompt, end)
    close = (_CLOSE if opening[1] == "tool" else _CALL_CLOSE).match(prompt, end)
    if close is None:
        raise ValueError(f"{_UNCLOSED} after {name[1]}" + (" and its JSON" if end > name.end() else ""))
    dialect = "tool_call" if opening[1] == "tool" else close[1] or ""
    if dialect and dialect not in DIALECTS:
        raise ValueError(f"no dialect {dialect!r}; there are {', '.join(sorted(DIALECTS))}")
    return Directive(opening[1], name[1], opening.start(), close.end(), arguments, dialect)


def _with_json(prompt: str, opening: re.Match[str]) -> Directive:
    start = opening.end()
    while prompt[start : start + 1].isspace():
        start += 1
    arguments, end = _json(prompt, start)
    if opening[1] != "write":
        read_steps(arguments)
    elif not isinstance(arguments, str):
        raise ValueError("it takes a JSON string")
    close = _CLOSE.match(prompt, end)
    if close is None:
        raise ValueError(f"{_UNCLOSED} after its JSON")
    return Directive(opening[1], prompt[start:end], opening.start(), close.end(), arguments)


def _json(prompt: str, start: int) -> tuple[Any, int]:
    """Return the JSON value that begins here, and its end. Raises ValueError."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(prompt, start)
    except json.JSONDecodeError as error:
        raise ValueError(f"its JSON is broken at character {error.pos - start + 1}: {error.msg}") from error


_READERS: Mapping[str, Callable[[str, re.Match[str]], Directive | None]] = {
    "tool": _call,
    "call": _call,
    "write": _with_json,
    "chain": _with_json,
    "answers": _with_json,
    "stream": _with_numbers,
    "long": _with_numbers,
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
