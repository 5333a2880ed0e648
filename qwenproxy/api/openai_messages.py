"""OpenAI's message and tool arrays, translated into the neutral vocabulary. Pure; part of openai_format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from qwenproxy.chat import FilePart, ImagePart, Message, Part, Role, TextPart, Tool, ToolCall
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.uploads.file_types import clean_name
from qwenproxy.upstream.folding import MAX_ATTACHMENTS

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def parse_messages(value: Any) -> tuple[Message, ...]:
    """Translate a `messages` array. Raises RequestError naming the element at fault.

    Only the user's last message has to keep to the number of attachments: a conversation may have gathered more.
    """
    if not isinstance(value, list) or not value:
        raise RequestError("messages must be a non-empty array.", param="messages")
    messages = tuple(_message(each, f"messages[{index}]") for index, each in enumerate(value))
    _check_attachments(next((each.parts for each in reversed(messages) if each.role == "user"), ()), "messages")
    return messages


def parse_content(value: Any, where: str) -> tuple[Part, ...]:
    """Translate a new message: a string, or an array of parts. Raises RequestError, UnsupportedParameter."""
    parts = _content(value, where)
    _check_attachments(parts, where)
    return parts


def parse_tools(value: Any) -> tuple[Tool, ...]:
    """Translate a `tools` array. Raises RequestError, UnsupportedParameter for tools that are not functions."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RequestError("tools must be an array.", param="tools")
    return tuple(_tool(each, f"tools[{index}]") for index, each in enumerate(value))


def parse_tool_choice(value: Any) -> str:
    """Translate `tool_choice` to auto, none, required or a function's name. Raises RequestError."""
    if value is None:
        return "auto"
    if value in ("auto", "none", "required"):
        return str(value)
    if isinstance(value, Mapping):
        function = value.get("function")
        name = function.get("name") if isinstance(function, Mapping) else None
        if isinstance(name, str) and name:
            return name
    raise RequestError("tool_choice must be auto, none, required or name a function.", param="tool_choice")


def _check_attachments(parts: tuple[Part, ...], where: str) -> None:
    if len({part for part in parts if not isinstance(part, TextPart)}) > MAX_ATTACHMENTS:
        raise RequestError(f"A message may carry {MAX_ATTACHMENTS} images and files at most.", param=where)


def _content(value: Any, where: str) -> tuple[Part, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (TextPart(value),)
    if not isinstance(value, list):
        raise RequestError(f"{where} must be a string or an array of parts.", param=where)
    return tuple(_part(each, f"{where}[{index}]") for index, each in enumerate(value))


def _message(value: Any, where: str) -> Message:
    if not isinstance(value, Mapping):
        raise RequestError(f"{where} must be an object.", param=where)
    role = value.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise RequestError(f"{where}.role must be one of {', '.join(ROLES)}.", param=f"{where}.role")
    calls = _tool_calls(value.get("tool_calls"), f"{where}.tool_calls")
    content = value.get("content")
    if content is None and ROLES[role] != "assistant":
        raise RequestError(f"{where}.content is missing.", param=f"{where}.content")
    return Message(
        ROLES[role],
        _content(content, f"{where}.content"),
        _optional_text(value.get("name"), f"{where}.name"),
        calls,
        _optional_text(value.get("tool_call_id"), f"{where}.tool_call_id"),
    )


def _part(value: Any, where: str) -> Part:
    if not isinstance(value, Mapping):
        raise RequestError(f"{where} must be an object.", param=where)
    kind = value.get("type")
    if kind in ("text", "input_text", "output_text", "refusal"):
        text = value.get("text", value.get("refusal"))
        if not isinstance(text, str):
            raise RequestError(f"{where}.text must be a string.", param=where)
        return TextPart(text)
    if kind in ("image_url", "image", "input_image"):
        return ImagePart(_url(value.get("image_url", value.get("image")), where))
    if kind in ("file", "input_file"):
        return FilePart(_url(value.get("file"), where), _file_name(value.get("file"), where))
    raise UnsupportedParameter(f"{where}: parts of type {str(kind)[:40]!r} are not supported.", param=where)


def _url(value: Any, where: str) -> str:
    if isinstance(value, Mapping):
        value = value.get("url") or value.get("file_data") or value.get("file_url")
    if not isinstance(value, str) or not value:
        raise RequestError(f"{where} must carry a URL.", param=where)
    return value


def _file_name(value: Any, where: str) -> str | None:
    name = _optional_text(value.get("filename"), f"{where}.file.filename") if isinstance(value, Mapping) else None
    return clean_name(name) if name else None


def _tool_calls(value: Any, where: str) -> tuple[ToolCall, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RequestError(f"{where} must be an array.", param=where)
    calls = []
    for index, each in enumerate(value):
        function = each.get("function") if isinstance(each, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise RequestError(f"{where}[{index}] must be a function call.", param=where)
        arguments = function.get("arguments", "")
        if not isinstance(arguments, str):
            arguments = _json_text(arguments, f"{where}[{index}].function.arguments")
        calls.append(ToolCall(str(each.get("id") or ""), function["name"], arguments))
    return tuple(calls)


def _json_text(value: Any, where: str) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise RequestError(f"{where} is nested too deeply.", param=where) from None


def _tool(value: Any, where: str) -> Tool:
    if not isinstance(value, Mapping):
        raise RequestError(f"{where} must be an object.", param=where)
    if value.get("type", "function") != "function":
        raise UnsupportedParameter(f"{where}: only tools of type 'function' are supported.", param=where)
    function = value.get("function")
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str) or not function["name"]:
        raise RequestError(f"{where}.function.name is missing.", param=where)
    description, parameters = function.get("description") or "", function.get("parameters") or {}
    if not isinstance(description, str) or not isinstance(parameters, Mapping):
        raise RequestError(f"{where}.function: description is text, parameters is an object.", param=where)
    return Tool(function["name"], description, dict(parameters))


def _optional_text(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{where} must be a string.", param=where)
    return value
