"""The directives in double braces by which a prompt tells the stand-in model what to do.

Answers, of which the last in the text counts (directly neighbouring {{tool}} ones count together):

    {{echo}}                      all that the model saw, as compact JSON
    {{say TEXT}}                  TEXT, as it stands
    {{stream chunks=100 interval_ms=20 size=10}}    numbered chunks; stamp=1 adds the time each is sent
    {{long bytes=5000000}}        that many bytes
    {{unicode}}                   characters that are easily broken
    {{tool NAME {"a":1}}}         a tool call in the form proxies ask models for

Modifiers, of which those since the answer before the last count:

    {{think summary}}  {{think detail}}             form of the reasoning, where there is any
    {{search web_search_info}}  {{search docs}}     two rounds of web search; form of the results
    {{fault KIND key=value ...}}                    any fault of faults/fault.py, for this call

Earlier turns may be folded into the text, hence "the last".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_ANSWERS = frozenset({"echo", "say", "stream", "long", "unicode", "tool"})
_OPENING = re.compile(r"\{\{\s*(echo|say|stream|long|unicode|tool|think|search|fault)\b[ \t]?")


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive. `arguments` is only for tool: what stands after the name, parsed."""

    name: str
    text: str
    start: int
    end: int
    arguments: Any = None

    def option(self, key: str, default: float) -> float:
        """Return the number given as `key=number`."""
        match = re.search(rf"\b{key}=(\d+(?:\.\d+)?)", self.text)
        return float(match[1]) if match else default


def read_directives(prompt: str) -> list[Directive]:
    """Return the directives that count, in the order of the text."""
    directives: list[Directive] = []
    position = 0
    while opening := _OPENING.search(prompt, position):
        directive = _tool(prompt, opening) if opening[1] == "tool" else _plain(prompt, opening)
        if directive is not None:
            directives.append(directive)
        position = directive.end if directive else opening.end()
    return _effective(directives, prompt)


def _plain(prompt: str, opening: re.Match[str]) -> Directive | None:
    close = prompt.find("}}", opening.end())
    if close < 0:
        return None
    return Directive(opening[1], prompt[opening.end() : close], opening.start(), close + 2)


def _tool(prompt: str, opening: re.Match[str]) -> Directive | None:
    """Read a tool's name and JSON, whose own braces must not end the directive."""
    name = re.compile(r"([\w.-]+)\s*").match(prompt, opening.end())
    if name is None:
        return None
    arguments: Any = {}
    end = name.end()
    if prompt.startswith("{", end):
        try:
            arguments, end = json.JSONDecoder().raw_decode(prompt, end)
        except ValueError:
            return None
    close = re.compile(r"\s*\}\}").match(prompt, end)
    return Directive("tool", name[1], opening.start(), close.end(), arguments) if close else None


def _effective(directives: list[Directive], prompt: str) -> list[Directive]:
    answers = [index for index, directive in enumerate(directives) if directive.name in _ANSWERS]
    if not answers:
        return directives
    first = answers.pop()
    while answers and _neighbours(directives[answers[-1]], directives[first], prompt):
        first = answers.pop()
    return directives[answers[-1] + 1 if answers else 0 :]


def _neighbours(left: Directive, right: Directive, prompt: str) -> bool:
    return left.name == right.name == "tool" and not prompt[left.end : right.start].strip()
