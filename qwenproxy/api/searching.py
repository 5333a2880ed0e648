"""Read whether the answer should search the web, in the fields and hosted tools of all APIs (contract 7.8).

Every form becomes one wish, regardless of the request's own API. Pure; the parsers use it before they read tools, since
what it understands is gone from the body it returns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwenproxy.api.fields import read_flag, read_object, read_whole
from qwenproxy.api.ignored import Ignored
from qwenproxy.chat import WebSearch

FIELDS = frozenset({"enable_search", "search_options", "web_search_options"})
# The names of OpenAI and Anthropic, with or without a date; not those of their client tools.
_HOSTED = re.compile(r"web_search(_preview)?(_[0-9_]+)?")
# Their other hosted tools: nothing that the client could run.
_OTHER_HOSTED = re.compile(
    r"(file_search|image_generation|code_interpreter|code_execution|computer_use|mcp|web_fetch|tool_search)(_.*)?"
)
_NOTHING_LOST = ("type", "name", "max_uses", "cache_control", "external_web_access")


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the fields say: a search is `wanted`, must come (`forced`), or may (`optional`)."""

    wanted: bool
    forced: bool
    optional: bool = False


@dataclass(frozen=True, slots=True)
class _Choice:
    """What `tool_choice` means for the hosted search: `forced`, or `left_out`; `rest` is the choice without it."""

    rest: Any
    forced: bool = False
    left_out: bool = False


def take_search(body: Mapping[str, Any], ignored: Ignored) -> tuple[WebSearch | None, Mapping[str, Any]]:
    """Return the wish for a search, None if there is none, and the body without the hosted tools that say so.

    Alone in a request it is forced, because nothing else tells the model to search. Forced by `tool_choice` it takes
    the place of all functions. Raises RequestError naming the field.
    """
    wish = _read_fields(body, ignored)
    tools = body.get("tools")
    tools = tools if isinstance(tools, list) else []
    functions = [each for each in tools if not is_search(each)]
    max_uses = _read_hosted(tools, ignored)
    is_alone = not (any(map(can_be_called, functions)) or body.get("functions")) or body.get("tool_choice") == "none"
    if len(functions) == len(tools):
        return (WebSearch(forced=wish.forced or (is_alone and not wish.optional)) if wish.wanted else None), body
    choice = _read_choice(body.get("tool_choice"), tools, functions)
    rest = {**body, "tools": [] if choice.forced else functions, "tool_choice": choice.rest}
    if choice.left_out and not wish.wanted:
        return None, rest
    return WebSearch(wish.forced or choice.forced or is_alone, max_uses), rest


def _read_fields(body: Mapping[str, Any], ignored: Ignored) -> _Wish:
    enabled, options = read_flag(body, "enable_search"), read_object(body, "search_options")
    forced = read_flag(options, "forced_search", within="search_options.")
    ignored.add_fields(read_object(body, "web_search_options"), (), "web_search_options")
    ignored.add_fields(options, ("forced_search", "enable_source") if enabled else (), "search_options")
    if body.get("web_search_options") is not None:
        return _Wish(wanted=True, forced=bool(enabled and forced))
    return _Wish(wanted=bool(enabled), forced=bool(enabled and forced), optional=forced is False)


def _read_hosted(tools: Sequence[Any], ignored: Ignored) -> int | None:
    """Return how often the hosted tools may search, and name what else they ask for."""
    limits = []
    for index, tool in enumerate(tools):
        if is_search(tool):
            limits.append(read_whole(tool, "max_uses", within=f"tools[{index}]."))
            ignored.add_fields(tool, _NOTHING_LOST, "tools", "web_search")
    return min((limit for limit in limits if limit is not None), default=None)


def _read_choice(value: Any, tools: Sequence[Any], functions: Sequence[Any]) -> _Choice:
    word = value.get("type") if isinstance(value, Mapping) else value
    if word == "none":
        return _Choice(value, left_out=True)
    if word in ("required", "any") and not any(map(can_be_called, functions)):
        return _Choice(None, forced=True)
    if not isinstance(value, Mapping):
        return _Choice(value)
    if word == "allowed_tools":
        return _read_allowed(value, tools, functions)
    return _Choice(None, forced=True) if _names_search(value, tools, functions) else _Choice(value)


def _read_allowed(value: Mapping[str, Any], tools: Sequence[Any], functions: Sequence[Any]) -> _Choice:
    """Read OpenAI's restriction to some tools; its depth differs between its two APIs."""
    is_nested = isinstance(value.get("allowed_tools"), Mapping)
    allowed = value["allowed_tools"] if is_nested else value
    names = allowed.get("tools")
    if not isinstance(names, list):
        return _Choice(value)
    rest = [each for each in names if not (isinstance(each, Mapping) and _names_search(each, tools, functions))]
    if len(rest) == len(names):
        return _Choice(value, left_out=True)
    if not rest:
        return _Choice(None, forced=True)
    changed = {**allowed, "tools": rest}
    return _Choice({**value, "allowed_tools": changed} if is_nested else changed)


def _names_search(value: Mapping[str, Any], tools: Sequence[Any], functions: Sequence[Any]) -> bool:
    """Tell whether a choice means the hosted search: by its type, or by a name that no function has."""
    if is_search(value):
        return True
    name = value.get("name")
    names = [each.get("name", "web_search") for each in tools if is_search(each)]
    return isinstance(name, str) and name in names and name not in map(_name, functions)


def _name(function: Any) -> Any:
    inner = function.get("function", function) if isinstance(function, Mapping) else None
    return inner.get("name") if isinstance(inner, Mapping) else None


def can_be_called(tool: Any) -> bool:
    """Tell whether a tool is one that the client runs, not a hosted one of its vendor."""
    kind = tool.get("type") if isinstance(tool, Mapping) else None
    return not (isinstance(kind, str) and _OTHER_HOSTED.fullmatch(kind))


def is_search(tool: Any) -> bool:
    """Tell whether a tool is the hosted search of a vendor."""
    kind = tool.get("type") if isinstance(tool, Mapping) else None
    return isinstance(kind, str) and bool(_HOSTED.fullmatch(kind))
