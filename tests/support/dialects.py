"""Calls written as models write them, one writer for each notation: for tests, and for scripts/call-corpus."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from qwenproxy.chat import Tool
from qwenproxy.chat.calls.schema import Schema

Writer = Callable[[Tool, Mapping[str, Any]], str]


def hermes(tool: Tool, arguments: Mapping[str, Any]) -> str:
    return f"<tool_call>\n{bare(tool, arguments)}\n</tool_call>"


def bare(tool: Tool, arguments: Mapping[str, Any]) -> str:
    return json.dumps({"name": tool.name, "arguments": arguments}, ensure_ascii=False)


def escaped(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """Return what Python writes by default: every character beyond ASCII escaped, arguments as a string."""
    return f"<tool_call>{json.dumps({'name': tool.name, 'arguments': json.dumps(arguments)})}</tool_call>"


def coder(tool: Tool, arguments: Mapping[str, Any]) -> str:
    lines = [f"<parameter={key}>\n{bare_value(tool, key, value)}\n</parameter>\n" for key, value in arguments.items()]
    return f"<tool_call>\n<function={tool.name}>\n{''.join(lines)}</function>\n</tool_call>"


def invoke(tool: Tool, arguments: Mapping[str, Any]) -> str:
    lines = elements(tool, arguments, '<parameter name="{key}">{value}</parameter>\n')
    return f'<function_calls>\n<invoke name="{tool.name}">\n{lines}</invoke>\n</function_calls>'


def ours(tool: Tool, arguments: Mapping[str, Any]) -> str:
    lines = elements(tool, arguments, '<argument name="{key}">{value}</argument>\n')
    return f'<use_function name="{tool.name}">\n{lines}</use_function>'


def mistral(tool: Tool, arguments: Mapping[str, Any]) -> str:
    return f"[TOOL_CALLS][{bare(tool, arguments)}]"


def mistral_name(tool: Tool, arguments: Mapping[str, Any]) -> str:
    return f"[TOOL_CALLS]{tool.name}[ARGS]{json.dumps(arguments, ensure_ascii=False)}"


def agent(tool: Tool, arguments: Mapping[str, Any]) -> str:
    return f"✿FUNCTION✿: {tool.name}\n✿ARGS✿: {json.dumps(arguments, ensure_ascii=False)}"


def glm(tool: Tool, arguments: Mapping[str, Any]) -> str:
    lines = elements(tool, arguments, "<arg_key>{key}</arg_key>\n<arg_value>{value}</arg_value>\n")
    return f"<tool_call>{tool.name}\n{lines}</tool_call>"


def keyed(tool: Tool, arguments: Mapping[str, Any]) -> str:
    return f"<function_call>{json.dumps({tool.name: arguments})}</function_call>"


def attribute(tool: Tool, arguments: Mapping[str, Any]) -> str:
    return f'<tool_call name="{tool.name}">\n{json.dumps(arguments, ensure_ascii=False)}\n</tool_call>'


def keywords(tool: Tool, arguments: Mapping[str, Any]) -> str:
    pairs = ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items())
    return f"<tool_call>{tool.name}({pairs})</tool_call>"


def elements(tool: Tool, arguments: Mapping[str, Any], form: str) -> str:
    """Return the arguments, each as an element of this form."""
    values = {key: inline(bare_value(tool, key, value)) for key, value in arguments.items()}
    return "".join(form.format(key=key, value=value) for key, value in values.items())


def bare_value(tool: Tool, key: str, value: Any) -> str:
    """Return a value as bare text: a string as it is where nothing else can be meant, any other value as JSON."""
    types = Schema(tool.parameters).member(key).types
    return value if isinstance(value, str) and types is not None else json.dumps(value, ensure_ascii=False)


def inline(text: str) -> str:
    """Return text as it stands between two tags: one that begins with a line break gets one more on both sides."""
    return f"\n{text}\n" if text.startswith(("\n", "\r\n")) else text


WRITERS: dict[str, Writer] = {
    "hermes": hermes, "bare JSON": bare, "escaped": escaped, "coder": coder, "invoke": invoke, "ours": ours,
    "mistral": mistral, "mistral, name first": mistral_name, "agent": agent, "glm": glm, "name as key": keyed,
    "name in the tag": attribute, "keywords": keywords,
}  # fmt: skip
