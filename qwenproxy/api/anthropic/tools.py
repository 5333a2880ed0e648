"""Translate Anthropic's tools and `tool_choice` into the form that the reader of all tools takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.api.anthropic.client_tools import client_tool
from qwenproxy.api.fields import read_flag, read_object, read_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai.tools import Offer, parse_offer
from qwenproxy.errors import RequestError

FIELDS = frozenset({"tools", "tool_choice"})


def parse_tools(body: Mapping[str, Any], ignored: Ignored) -> Offer:
    """Translate tools and choice. Raises RequestError, UnsupportedParameter naming the field.

    Tools that a client runs are offered, also those whose loading is deferred. Others are left out and named.
    """
    choice = body.get("tool_choice")
    parallel = True
    if isinstance(choice, Mapping):
        parallel = not read_flag(choice, "disable_parallel_tool_use", within="tool_choice.")
        if not isinstance(choice.get("type"), str):
            raise RequestError("tool_choice.type must be auto, any, tool or none.", param="tool_choice.type")
    tools = body.get("tools")
    if isinstance(tools, list):
        tools = [_translated(tool, f"tools.{index}") for index, tool in enumerate(tools)]
    return parse_offer({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel}, ignored)


def _translated(tool: Any, where: str) -> dict[str, Any]:
    """Return a tool of the client as a function, any other one as it is. Raises RequestError."""
    if not isinstance(tool, Mapping):
        raise RequestError(f"{where} must be an object.", param=where)
    kind = read_text(tool, "type", within=f"{where}.") or "custom"
    known = client_tool(kind)
    if kind != "custom" and not known:
        return dict(tool)
    name = read_text(tool, "name", within=f"{where}.") or (known.name if known else None)
    if not name:
        raise RequestError(f"{where}.name is missing.", param=f"{where}.name")
    if known:
        function = {"name": name, "description": known.description, "parameters": known.parameters}
    else:
        description = read_text(tool, "description", within=f"{where}.") or ""
        schema = read_object(tool, "input_schema", within=f"{where}.")
        function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}
