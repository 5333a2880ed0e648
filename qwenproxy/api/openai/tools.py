"""What a client offers the model to call, as OpenAI writes it: `tools`, and the `functions` of its older days.

Pure; part of openai_request.py. A tool that is no function cannot be had: it is left out and named, and refused only
where the request insists on it (contract 7.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwenproxy.api.ignored import Ignored
from qwenproxy.chat import Tool
from qwenproxy.errors import RequestError, UnsupportedParameter

FIELDS = frozenset({"tools", "tool_choice", "functions", "function_call"})
_WORDS: Mapping[str, str] = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools, and `choice` as ChatRequest has it. `legacy`: the client reads `function_call`, not `tool_calls`."""

    tools: tuple[Tool, ...] = ()
    choice: str = "auto"
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class _Choice:
    """What `tool_choice` says. `allowed` are the names it restricts the offer to, None for no restriction."""

    word: str
    allowed: frozenset[str] | None = None


def parse_offer(body: Mapping[str, Any], ignored: Ignored) -> Offer:
    """Translate tools and choice. Raises RequestError, UnsupportedParameter naming the field."""
    if body.get("functions") and not body.get("tools"):
        functions = _array(body, "functions")
        tools = tuple(_function(each, f"functions[{index}]") for index, each in enumerate(functions))
        choice = _legacy_choice(body.get("function_call"))
        return Offer(() if choice == "none" else tools, choice, legacy=True)
    if body.get("functions"):
        ignored.add("functions")
    elements = _array(body, "tools")
    parsed = [_tool(each, f"tools[{index}]", ignored) for index, each in enumerate(elements)]
    said = _choice(body.get("tool_choice"))
    tools = tuple(tool for tool in parsed if tool and (said.allowed is None or tool.name in said.allowed))
    if elements and not tools and said.word == "required":
        raise UnsupportedParameter("tool_choice insists on tools that cannot be had here.", param="tool_choice")
    return Offer(() if said.word == "none" else tools, said.word)


def _array(body: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise RequestError(f"{name} must be an array.", param=name)
    return value or ()


def _tool(value: Any, where: str, ignored: Ignored) -> Tool | None:
    if not isinstance(value, Mapping):
        raise RequestError(f"{where} must be an object.", param=where)
    kind = value.get("type") or "function"
    if kind != "function":
        ignored.add("tools", kind)
        return None
    function = value if "name" in value else None  # as the Responses API has it
    return _function(value.get("function", function), f"{where}.function", where)


def _function(value: Any, where: str, param: str = "") -> Tool:
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str) or not value["name"]:
        raise RequestError(f"{where}.name is missing.", param=param or where)
    description, parameters = value.get("description") or "", value.get("parameters") or {}
    if not isinstance(description, str) or not isinstance(parameters, Mapping):
        raise RequestError(f"{where}: description is text, parameters is an object.", param=param or where)
    return Tool(value["name"], description, dict(parameters))


def _choice(value: Any) -> _Choice:
    if value is None:
        return _Choice("auto")
    if isinstance(value, str) and value in _WORDS:
        return _Choice(_WORDS[value])
    if isinstance(value, Mapping):
        kind = value.get("type") or "function"
        if kind == "allowed_tools":
            return _allowed(value.get("allowed_tools", value))
        if isinstance(kind, str) and kind in _WORDS:
            return _Choice(_WORDS[kind])
        if isinstance(kind, str) and kind not in ("function", "tool"):
            raise UnsupportedParameter(f"tool_choice insists on a tool of type {kind[:40]!r}.", param="tool_choice")
        if name := _name(value):
            return _Choice(name)
    raise RequestError("tool_choice must be auto, none, required or name a function.", param="tool_choice")


def _allowed(value: Any) -> _Choice:
    """Translate the restriction to some tools; OpenAI's two APIs differ in how deep it stands."""
    mode = value.get("mode", "auto") if isinstance(value, Mapping) else None
    tools = value.get("tools") if isinstance(value, Mapping) else None
    if not isinstance(mode, str) or mode not in _WORDS or not isinstance(tools, list):
        raise RequestError("tool_choice.allowed_tools must hold mode and tools.", param="tool_choice")
    names = (_name(each) for each in tools if isinstance(each, Mapping))
    return _Choice(_WORDS[mode], frozenset(name for name in names if name))


def _name(value: Mapping[str, Any]) -> str | None:
    function = value.get("function", value)
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) and name else None


def _legacy_choice(value: Any) -> str:
    if value is None or value in ("auto", "none"):
        return value or "auto"
    if isinstance(value, Mapping) and (name := _name({"function": value})):
        return name
    raise RequestError("function_call must be auto, none or name a function.", param="function_call")
