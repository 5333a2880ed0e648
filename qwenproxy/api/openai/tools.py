"""Translate the tools that a client offers the model: OpenAI's `tools`, and its older `functions`.

Pure; part of request.py. Functions, custom tools and namespaces of both are supported: another tool is left out and
named, and refused only if the request insists on it (contract 7.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qwenproxy.api.fields import read_flag
from qwenproxy.api.ignored import Ignored
from qwenproxy.chat import Tool
from qwenproxy.errors import RequestError, UnsupportedParameter

FIELDS = frozenset({"tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"})
_WORDS: Mapping[str, str] = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools, `choice` and `parallel` as ChatRequest has them.

    `legacy` says that the client reads `function_call`, not `tool_calls`.
    """

    tools: tuple[Tool, ...] = ()
    choice: str = "auto"
    parallel: bool = True
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class _Choice:
    """The meaning of `tool_choice`. `names` restricts the offer to these tools, None does not."""

    word: str
    names: frozenset[str] | None = None


def parse_offer(body: Mapping[str, Any], ignored: Ignored) -> Offer:
    """Translate tools and choice. Raises RequestError, UnsupportedParameter naming the field."""
    demands_function = body.get("function_call") not in (None, "auto", "none")
    if not body.get("tools") and (body.get("functions") or demands_function):
        return _legacy_offer(body)
    if body.get("functions"):
        ignored.add("functions")
    elements = _array(body, "tools")
    candidates = [tool for index, each in enumerate(elements) for tool in _tools(each, f"tools[{index}]", ignored)]
    choice = _choice(body.get("tool_choice"))
    allowed = (tool for tool in candidates if choice.names is None or _is_named(tool, choice.names))
    tools = tuple({tool.name: tool for tool in allowed}.values())
    _check_choice(choice, tools, has_elements=bool(elements))
    parallel = read_flag(body, "parallel_tool_calls") is not False
    return Offer(() if choice.word == "none" else tools, choice.word, parallel)


def _legacy_offer(body: Mapping[str, Any]) -> Offer:
    functions = _array(body, "functions")
    tools = tuple(_function(each, f"functions[{index}]") for index, each in enumerate(functions))
    word = _legacy_choice(body.get("function_call"))
    if word not in ("auto", "none"):
        if not tools:
            raise RequestError("function_call is only allowed when functions are specified.", param="function_call")
        if not any(tool.name == word for tool in tools):
            raise RequestError(
                f"function_call names {word[:100]!r}, which is not among functions.", param="function_call"
            )
    return Offer(() if word == "none" else tools, word, parallel=False, legacy=True)


def _check_choice(choice: _Choice, tools: Sequence[Tool], *, has_elements: bool) -> None:
    """Raise RequestError, UnsupportedParameter for a choice that demands a tool that is not there."""
    if choice.word in ("auto", "none"):
        return
    if not has_elements:
        raise RequestError("tool_choice is only allowed when tools are specified.", param="tool_choice")
    if choice.word != "required" and not any(tool.name == choice.word for tool in tools):
        raise RequestError(f"tool_choice names {choice.word[:100]!r}, which is not among tools.", param="tool_choice")
    if not tools:
        raise UnsupportedParameter("tool_choice requires a tool that is not available here.", param="tool_choice")


def _array(body: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise RequestError(f"{name} must be an array.", param=name)
    return value or ()


def _tools(value: Any, where: str, ignored: Ignored, namespace: str = "") -> Iterator[Tool]:
    """Yield the tool, or the tools of a namespace."""
    if not isinstance(value, Mapping):
        raise RequestError(f"{where} must be an object.", param=where)
    kind = value.get("type") or "function"
    if kind == "namespace" and not namespace:
        name = value.get("name")
        if not isinstance(name, str) or not name:
            raise RequestError(f"{where}.name is missing.", param=where)
        for index, each in enumerate(_array(value, "tools")):
            yield from _tools(each, f"{where}.tools[{index}]", ignored, name)
    elif kind in ("function", "custom"):
        inner = value.get(kind, value if "name" in value else None)  # flat as in the Responses API
        tool = _function(inner, f"{where}.{kind}", where)
        if kind == "custom" and "input_schema" not in value:
            tool = replace(tool, description=_with_format(tool.description, inner), parameters={}, freeform=True)
        yield replace(tool, name=f"{namespace}__{tool.name}", namespace=namespace) if namespace else tool
    else:
        ignored.add("tools", kind)


def _with_format(description: str, tool: Mapping[str, Any]) -> str:
    """Return the description of a custom tool with the grammar that its text has to follow."""
    form = tool.get("format")
    grammar = form.get("grammar", form) if isinstance(form, Mapping) else None
    definition = grammar.get("definition") if isinstance(grammar, Mapping) else None
    if not isinstance(definition, str) or not isinstance(grammar, Mapping):
        return description
    syntax = str(grammar.get("syntax") or "lark")[:40]
    return f"{description}\nThe input follows this {syntax} grammar:\n{definition}".strip()


def _is_named(tool: Tool, names: frozenset[str]) -> bool:
    return tool.name in names or tool.name.removeprefix(f"{tool.namespace}__") in names


def _function(value: Any, where: str, param: str = "") -> Tool:
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str) or not value["name"]:
        raise RequestError(f"{where}.name is missing.", param=param or where)
    description, parameters = value.get("description") or "", value.get("parameters") or {}
    if not isinstance(description, str) or not isinstance(parameters, Mapping):
        raise RequestError(f"{where}: description must be a string and parameters an object.", param=param or where)
    return Tool(value["name"], description, dict(parameters))


def _choice(value: Any) -> _Choice:
    if value is None:
        return _Choice("auto")
    if isinstance(value, str) and value:
        return _Choice(_WORDS.get(value, value))
    if isinstance(value, Mapping):
        kind = value.get("type") or "function"
        if kind == "allowed_tools":
            return _allowed(value.get("allowed_tools", value))
        if isinstance(kind, str) and kind in _WORDS:
            return _Choice(_WORDS[kind])
        if isinstance(kind, str) and kind not in ("function", "tool", "custom"):
            raise UnsupportedParameter(
                f"tool_choice requires a tool of type {kind[:40]!r}; only functions are supported.", param="tool_choice"
            )
        if name := _name(value):
            space = value.get("namespace")
            return _Choice(f"{space}__{name}" if isinstance(space, str) and space else name)
    raise RequestError("tool_choice must be auto, none, required or the name of a function.", param="tool_choice")


def _allowed(value: Any) -> _Choice:
    """Translate the restriction to some tools; its depth differs between OpenAI's two APIs."""
    mode = value.get("mode", "auto") if isinstance(value, Mapping) else None
    tools = value.get("tools") if isinstance(value, Mapping) else None
    if not isinstance(mode, str) or mode not in _WORDS or not isinstance(tools, list):
        raise RequestError("tool_choice.allowed_tools must have mode and tools.", param="tool_choice")
    names = (_name(each) for each in tools if isinstance(each, Mapping))
    return _Choice(_WORDS[mode], frozenset(name for name in names if name))


def _name(value: Mapping[str, Any]) -> str | None:
    function = value.get("function", value.get("custom", value))
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) and name else None


def _legacy_choice(value: Any) -> str:
    if value is None or value in ("auto", "none"):
        return value or "auto"
    if isinstance(value, Mapping) and (name := _name({"function": value})):
        return name
    raise RequestError("function_call must be auto, none or the name of a function.", param="function_call")
