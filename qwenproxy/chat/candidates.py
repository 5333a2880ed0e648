"""The document inside a whole answer: of all values of JSON in its text, the one that satisfies the rules.

Pure; the stage that holds an answer to its form uses it once the answer is complete.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

from qwenproxy.chat.brackets import KIND, OPEN, Balance, Sign, is_nothing, sign_of
from qwenproxy.chat.schemas import Rules

MOST_VALUES = 100  # of one answer: one that holds more of them holds no document
MOST_BRACKETS = 1000  # amid prose that are tried: every failure costs a walk through the text
UNFINISHED = "it ends before its JSON does"

_FENCES = ("```", "~~~")
_STRING_OR_LAST_COMMA = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")|,(?=\s*[}\]])', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A document as it goes to the client, or the `problem` of the answer: "it is not JSON".

    `start` is the document's place in the answer's text, None if it does not stand there letter by letter.
    """

    text: str = ""
    start: int | None = None
    problem: str = ""


def judge(text: str, rules: Rules, start: int = 0) -> Verdict:
    """Return the verdict on a text that must be a document itself."""
    try:
        problem = rules.problem(_read(text))
    except (ValueError, RecursionError) as error:
        problem = _reason(error)
    return Verdict(problem=problem) if problem else Verdict(text, start)


def find_document(text: str, rules: Rules) -> Verdict:
    """Return the verdict on a whole answer, whatever stands around its document.

    A value that is clearly meant as one counts before one that prose may hold, such as `{}`. Slips that lose nothing
    are repaired: commas before a closing bracket, line breaks and tabs inside strings.
    """
    values = _values(text, rules)
    problems: list[str] = []
    for value in values:
        verdict = judge(text[value.start : value.end], rules, value.start)
        if not verdict.problem:
            return verdict
        problems.append(verdict.problem)
    for value in values:
        if repaired := _repaired(text[value.start : value.end], rules):
            return Verdict(repaired)
    if scalar := _scalar(text, rules):
        return Verdict(scalar)
    return Verdict(problem=problems[0] if problems else f"it holds no JSON {' or '.join(sorted(rules.kinds))}")


@dataclass(frozen=True, slots=True)
class _Value:
    """A place in the text that looks like JSON; `is_plain` if prose may hold the like."""

    start: int
    end: int
    is_plain: bool


def _values(text: str, rules: Rules) -> list[_Value]:
    """Return the values that may be the document, the likely ones first."""
    return sorted(islice(_all_values(text, rules), MOST_VALUES), key=lambda value: value.is_plain)


def _all_values(text: str, rules: Rules) -> Iterator[_Value]:
    """Yield the outermost values of the kinds that are allowed. What is inside a value never counts."""
    position = tried = 0
    while match := OPEN.search(text, position):
        start = match.start()
        is_first = position == 0 and is_nothing(text[:start])
        is_plain = sign_of(text, start, is_first=is_first, is_whole=True) is Sign.PROSE
        end: int | None = None
        if not is_plain:
            end = Balance().feed(text, start) or len(text)
        elif tried < MOST_BRACKETS and sign_of(text, start, is_first=True, is_whole=True) is Sign.DOCUMENT:
            tried += 1
            end = _end_of_json(text, start)
        if end is not None and KIND[match[0]] in rules.kinds:
            yield _Value(start, end, is_plain)
        position = match.end() if end is None else end


def _end_of_json(text: str, start: int) -> int | None:
    try:
        return _DECODER.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None


def _repaired(text: str, rules: Rules) -> str | None:
    try:
        value = _LENIENT.decode(_STRING_OR_LAST_COMMA.sub(lambda match: match[1] or "", text))
        written = json.dumps(value, ensure_ascii=False)
        written.encode()  # half a surrogate pair could not be sent on
        return None if rules.problem(value) else written
    except (ValueError, RecursionError):
        return None


def _scalar(text: str, rules: Rules) -> str | None:
    """Return a document without brackets, where the rules ask for one: the answer as it stands, or as a string."""
    if not rules.scalars:
        return None
    bare = text.strip("\ufeff \t\r\n")
    if bare.startswith(_FENCES) and bare.endswith(bare[:3]) and "\n" in bare:
        bare = bare.partition("\n")[2][:-3].strip()
    if not judge(bare, rules).problem:
        return bare
    return json.dumps(bare, ensure_ascii=False) if "string" in rules.scalars and not rules.problem(bare) else None


def _read(text: str) -> Any:
    """Return what a text says that every reader of JSON reads. Raises ValueError, RecursionError."""
    return _DECODER.decode(text)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        at_end = not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated string")
        return UNFINISHED if at_end else f"it is not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "it holds a number that is out of range"


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse)
_LENIENT = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse, strict=False)
