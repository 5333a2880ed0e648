"""The tags of all notations of a call. Pure tables, and how to tell early that a `<` begins none of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qwenproxy.chat.calls.source import Source, Steps

_NAME = r"[^<>\"'\n]{1,128}"
_OPENER = re.compile(
    r"<(?:(?P<wrapper>(?:\w{1,30}:)?(?:tool_calls?|function_calls|tools))>"
    rf"|(?P<coder>function)=[\"']?(?P<coded>{_NAME})[\"']?>"
    rf"|(?P<named>function|(?:\w{{1,30}}:)?invoke|use_function)\s{{1,8}}name\s?=\s?[\"']?(?P<name>{_NAME})[\"']?\s{{0,8}}>)"
)
_MAY_OPEN = re.compile(
    r"<(?:\w{0,30}:?\w{0,20}|function=[\"']?[^<>\n]{0,130}|(?:function|(?:\w{1,30}:)?invoke|use_function)\s[^<>]{0,160})"
)
_CLOSER = re.compile(
    r"</(?:\w{1,30}:)?(?:tool_calls?|function_calls?|tools|function|invoke|use_function|parameter|argument)>"
)
_MAY_CLOSE = re.compile(r"</?\w{0,30}:?\w{0,20}")
_PARAMETER = re.compile(
    rf"<(?:\w{{1,30}}:)?(?P<tag>parameter|argument)(?:=|\s{{1,8}}name\s?=\s?)[\"']?(?P<key>{_NAME})[\"']?(?:\s[^<>\n]{{0,60}})?>"
)
_MAY_BE_PARAMETER = re.compile(r"<(?:\w{0,30}:?\w{0,20}|(?:\w{1,30}:)?(?:parameter|argument)[=\s][^<>\n]{0,230})")
_LONGEST = 300  # characters of a tag


@dataclass(frozen=True, slots=True)
class Opener:
    """A tag before a call: a wrapper around calls, or, with a `name`, the call's own tag, which ends with `closer`."""

    length: int
    name: str = ""
    closer: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """The tag before an argument. `closer` ends the argument; `opening` begins the tag of another one."""

    length: int
    key: str
    closer: str
    opening: tuple[str, ...]


def look_for_opener(source: Source) -> Steps[Opener | None]:
    """Return the opening tag that comes next, without taking it; None if none does."""
    match = yield from _look(source, _OPENER, _MAY_OPEN)
    if match is None:
        return None
    if match["wrapper"]:
        return Opener(match.end())
    tag = match["coder"] or match["named"]
    return Opener(match.end(), (match["coded"] or match["name"]).strip(), f"</{tag}>")


def look_for_closer(source: Source) -> Steps[int]:
    """Return the length of the closing tag that comes next, without taking it; 0 if none does."""
    match = yield from _look(source, _CLOSER, _MAY_CLOSE)
    return match.end() if match else 0


def look_for_parameter(source: Source) -> Steps[Parameter | None]:
    """Return the tag of an argument that comes next, without taking it; None if none does."""
    match = yield from _look(source, _PARAMETER, _MAY_BE_PARAMETER)
    if match is None:
        return None
    tag = match.group()[1:].split("=")[0].split()[0]
    return Parameter(match.end(), match["key"].strip(), f"</{tag}>", (f"<{tag}=", f"<{tag} name="))


def _look(source: Source, tag: re.Pattern[str], partial: re.Pattern[str]) -> Steps[re.Match[str] | None]:
    while True:
        rest = source.rest(_LONGEST)
        if match := tag.match(rest):
            return match
        if not partial.fullmatch(rest) or not (yield from source.more()):
            return None
