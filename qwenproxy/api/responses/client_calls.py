"""Read calls and their results from input items: of functions, custom tools, and OpenAI's own tools for clients.

Pure; part of items.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from qwenproxy.api.responses.objects import Item
from qwenproxy.chat import ToolCall
from qwenproxy.errors import RequestError

# Calls of the tools that OpenAI's models know: the field that says what to do.
_KNOWN_TOOLS: Mapping[str, str] = {"shell_call": "action", "apply_patch_call": "operation"}
_RESULTS = frozenset(
    {"function_call_output", "custom_tool_call_output", "shell_call_output", "apply_patch_call_output"}
)
_PARTS = ("input_text", "input_image", "input_file", "output_text", "text")


def call_of(item: Item, where: str) -> ToolCall | None:
    """Return the call that an item is, None for any other item. Raises RequestError naming `where`."""
    kind = item["type"]
    if kind in ("function_call", "custom_tool_call"):
        name, space = item.get("name"), item.get("namespace")
        if not isinstance(name, str) or not name:
            raise RequestError(f"{where}.name is missing.", param=f"{where}.name")
        arguments = item.get("arguments" if kind == "function_call" else "input")
        flat = f"{space}__{name}" if isinstance(space, str) and space else name
        return ToolCall(_call_id(item, where), flat, "" if arguments is None else _as_text(arguments, where))
    if kind not in _KNOWN_TOOLS:
        return None
    return ToolCall(_call_id(item, where), kind.removesuffix("_call"), _as_text(item.get(_KNOWN_TOOLS[kind]), where))


def result_of(item: Item, where: str) -> tuple[str, Any] | None:
    """Return the id of the call and the content of a result, None for any other item. Raises RequestError."""
    if item["type"] not in _RESULTS:
        return None
    output = item.get("output")
    is_content = isinstance(output, list) and all(
        isinstance(each, Mapping) and each.get("type") in _PARTS for each in output
    )
    return _call_id(item, where), output if is_content or output is None else _as_text(output, where)


def _call_id(item: Item, where: str) -> str:
    call_id = item.get("call_id")
    if not isinstance(call_id, str) or not call_id:
        raise RequestError(f"{where}.call_id is missing.", param=f"{where}.call_id")
    return call_id


def _as_text(value: Any, where: str) -> str:
    try:
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise RequestError(f"{where} is nested too deeply, or has a number that is too large.", param=where) from None
