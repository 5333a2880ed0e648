"""The tags of all notations of a call. Pure tables, and how to tell early that a `<` begins none of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qwenproxy.chat.calls.source import Source, Steps

_NAME = r"[^<>\"'\n]{1,128}"
_NAMED = r"(?:function|(?:\w{1,30}:)?invoke|use_function|tool_call|function_call)"  # tags with the name in an attribute
_OPENER = re.compile(
    r"<(?:(?P<wrapper>(?:\w{1,30}:)?(?:tool_calls?|function_calls?|tools))>"
    rf"|(?P<coder>function)=[\"']?(?P<coded>{_NAME})[\"']?>"
    rf"|(?P<named>{_NAMED})\s{{1,8}}name\s?=\s?[\"']?(?P<name>{_NAME})[\"']?\s{{0,8}}>)"
    r"|(?P<marker>\[TOOL_CALLS\])"
    r"|✿FUNCTION✿\s{0,4}[:：]\s{0,4}(?P<agent>[^\s✿]{1,128})[ \t]{0,4}\r?\n\s{0,8}✿ARGS✿\s{0,4}[:：]"
)
_MAY_OPEN = re.compile(
    rf"<(?:\w{{0,30}}:?\w{{0,20}}|function=[\"']?[^<>\n]{{0,130}}|{_NAMED}\s[^<>]{{0,160}})"
    r"|\[[A-Z_]{0,10}"
    r"|✿(?:[A-Z]{0,8}|FUNCTION✿\s{0,4}(?:[:：]\s{0,4})?|FUNCTION✿\s{0,4}[:：]\s{0,4}[^\s✿]{1,128}[ \t]{0,4}"
    r"(?:\r|\r?\n\s{0,8}(?:✿(?:[A-Z]{0,4}|ARGS✿\s{0,4}))?)?)"
)
_CLOSER = re.compile(
    r"</(?:\w{1,30}:)?"
    r"(?:tool_calls?|function_calls?|tools|function|invoke|use_function|parameter|argument|arg_value)>"
)
_MAY_CLOSE = re.compile(r"</?\w{0,30}:?\w{0,20}")
_PARAMETER = re.compile(
    rf"<(?:\w{{1,30}}:)?(?P<tag>parameter|argument)(?:=|\s{{1,8}}name\s?=\s?)[\"']?(?P<key>{_NAME})[\"']?(?:\s[^<>\n]{{0,60}})?>"
    rf"|<arg_key>(?P<pair>{_NAME})</arg_key>\s{{0,8}}<arg_value>"
)
_MAY_BE_PARAMETER = re.compile(
    r"<(?:\w{0,30}:?\w{0,20}|(?:\w{1,30}:)?(?:parameter|argument)[=\s][^<>\n]{0,230})"
    r"|<arg_key>[^<>\n]{0,128}(?:<(?:/?\w{0,7}|/arg_key>\s{0,8}(?:<\w{0,9})?))?"
)
_BARE_NAME = re.compile(
    r"(?P<name>[\w.:/-]{1,128})(?:\[CALL_ID\]\w{1,64})?(?:\[ARGS\])?\s{0,8}"
    r"(?=(?P<follower><arg_key>|[({]|</(?:tool|function)_call>))"
)
_MAY_BE_BARE_NAME = re.compile(
    r"[\w.:/-]{1,128}(?:\[(?:[A-Z_]{0,7}|CALL_ID\]\w{0,64}(?:\[[A-Z]{0,4})?))?(?:\[ARGS\])?\s{0,8}(?:</?\w{0,13})?"
)
_LONGEST = 300  # characters of a tag
WRAPPED = "</tool_call>"  # ends a call that begins with its bare name


@dataclass(frozen=True, slots=True)
class Opener:
    """A tag before a call: a wrapper around calls, or, with a `name`, the call's own tag, which ends with `closer`.

    `is_sure` says that nothing but a call begins like this.
    """

    length: int
    name: str = ""
    closer: str = ""
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Parameter:
    """The tag before an argument. `closer` ends the argument; `opening` begins the tag of another one.

    `has_lines` says that the notation always puts the argument on lines of its own.
    """

    length: int
    key: str
    closer: str
    opening: tuple[str, ...]
    has_lines: bool = False


def look_for_opener(source: Source) -> Steps[Opener | None]:
    """Return the opening tag that comes next, without taking it; None if none does."""
    match = yield from _look(source, _OPENER, _MAY_OPEN)
    if match is None:
        return None
    if match["wrapper"] or match["marker"]:
        return Opener(match.end())
    if match["agent"]:
        return Opener(match.end(), match["agent"], "✿RESULT✿")
    tag = match["coder"] or match["named"]
    return Opener(match.end(), (match["coded"] or match["name"]).strip(), f"</{tag}>")


def look_for_bare_name(source: Source) -> Steps[Opener | None]:
    """Return the bare name with which a call inside a wrapper begins, without taking it; None if none does."""
    match = yield from _look(source, _BARE_NAME, _MAY_BE_BARE_NAME)
    if match is None:
        return None
    return Opener(match.end(), match["name"], WRAPPED, is_sure=match["follower"] == "<arg_key>")


def look_for_closer(source: Source) -> Steps[int]:
    """Return the length of the closing tag that comes next, without taking it; 0 if none does."""
    match = yield from _look(source, _CLOSER, _MAY_CLOSE)
    return match.end() if match else 0


def look_for_parameter(source: Source) -> Steps[Parameter | None]:
    """Return the tag of an argument that comes next, without taking it; None if none does."""
    match = yield from _look(source, _PARAMETER, _MAY_BE_PARAMETER)
    if match is None:
        return None
    if match["pair"]:
        return Parameter(match.end(), match["pair"].strip(), "</arg_value>", ("<arg_key>",))
    tag = match.group()[1:].split("=")[0].split()[0]
    opening = (f"<{tag}=", f"<{tag} name=")
    return Parameter(match.end(), match["key"].strip(), f"</{tag}>", opening, match.group().startswith(opening[0]))


def _look(source: Source, tag: re.Pattern[str], partial: re.Pattern[str]) -> Steps[re.Match[str] | None]:
    while True:
        rest = source.rest(_LONGEST)
        if match := tag.match(rest):
            return match
        if not partial.fullmatch(rest) or not (yield from source.more()):
            return None
