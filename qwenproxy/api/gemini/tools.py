"""Translate Gemini's `tools` and `toolConfig` into what the shared readers of tools and searches read.

Each API means the same by a function, a search and a choice, so those readers decide. Pure; part of request.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qwenproxy.api import searching
from qwenproxy.api.gemini.schemas import json_schema
from qwenproxy.api.gemini.spelling import inner_object, list_at, object_at
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai import tools as openai_tools
from qwenproxy.api.openai.tools import Offer
from qwenproxy.chat import WebSearch
from qwenproxy.errors import RequestError

_SEARCHES = ("googleSearch", "googleSearchRetrieval")
_MODES: Mapping[str, str] = {
    "AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto", "MODE_UNSPECIFIED": "auto",
}  # fmt: skip


def parse_tools(body: Mapping[str, Any], ignored: Ignored) -> tuple[Offer, WebSearch | None]:
    """Translate tools and choice. Raises RequestError, UnsupportedParameter naming the field."""
    tools = [each for index, tool in enumerate(list_at(body.get("tools"), "tools")) for each in _tools(tool, index)]
    for tool in tools:
        if tool["type"] not in ("function", "web_search"):
            ignored.add("tools", tool["type"])
    usable = [tool for tool in tools if tool["type"] in ("function", "web_search")]
    config = inner_object(inner_object(body, "toolConfig"), "functionCallingConfig", "toolConfig.")
    ignored.add_fields(inner_object(body, "toolConfig"), ("functionCallingConfig",), "toolConfig")
    shared = {"tools": usable, "tool_choice": _choice(config, usable)}
    search, rest = searching.take_search(shared, ignored)
    return openai_tools.parse_offer(rest, ignored), search


def _tools(value: Any, index: int) -> Iterator[dict[str, Any]]:
    """Yield what one tool object holds, in the shared form: functions, a search, and others by their names."""
    where = f"tools[{index}]"
    for name, content in object_at(value, where).items():
        if name == "functionDeclarations":
            declarations = list_at(content, f"{where}.functionDeclarations")
            for number, each in enumerate(declarations):
                yield _function(each, f"{where}.functionDeclarations[{number}]")
        elif name in _SEARCHES:
            options = object_at(content, f"{where}.{name}")
            yield {"type": "web_search", **{field: value for field, value in options.items() if field != "type"}}
        else:
            yield {"type": name}


def _function(value: Any, where: str) -> dict[str, Any]:
    declaration = object_at(value, where)
    name, description = declaration.get("name"), declaration.get("description", "")
    if not isinstance(name, str) or not name:
        raise RequestError(f"{where}.name is missing.", param=f"{where}.name")
    if not isinstance(description, str):
        raise RequestError(f"{where}.description must be a string.", param=f"{where}.description")
    field = "parameters" if "parameters" in declaration else "parametersJsonSchema"
    parameters = declaration.get(field, {})
    if not isinstance(parameters, Mapping):
        raise RequestError(f"{where}.{field} must be a schema, as an object.", param=f"{where}.{field}")
    schema = json_schema(parameters) if field == "parameters" else dict(parameters)
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


def _choice(config: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> Any:
    """Return the choice in OpenAI's form. Raises RequestError."""
    where = "toolConfig.functionCallingConfig"
    mode, allowed = config.get("mode", "AUTO"), config.get("allowedFunctionNames") or []
    if not isinstance(mode, str) or mode.upper() not in _MODES:
        raise RequestError(f"{where}.mode must be one of {', '.join(_MODES)}.", param=f"{where}.mode")
    word = _MODES[mode.upper()]
    if word == "required" and not tools:
        raise RequestError(f"{where}.mode is ANY, but tools has no function.", param=f"{where}.mode")
    if not allowed or word == "none":
        return word
    if not isinstance(allowed, list) or not all(isinstance(name, str) for name in allowed):
        raise RequestError(
            f"{where}.allowedFunctionNames must be an array of names.", param=f"{where}.allowedFunctionNames"
        )
    names = {tool["function"]["name"] for tool in tools if tool["type"] == "function"}
    for name in allowed:
        if name not in names:
            raise RequestError(
                f"{where}.allowedFunctionNames names {name[:100]!r}, which is not among tools.",
                param=f"{where}.allowedFunctionNames",
            )
    wanted = [{"type": "function", "name": name} for name in allowed]
    return {"type": "allowed_tools", "mode": word, "tools": wanted}
