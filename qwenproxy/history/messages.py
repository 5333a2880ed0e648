"""Messages as a chat's file holds them, and back: the neutral vocabulary in the documented JSON form.

Stands between the store, which keeps any JSON, and the conversations, which ask the model with what was kept. Pure.
Also reads what the older project or a person's edit left there: all that a message holds must reach the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from qwenproxy.chat import FilePart, ImagePart, Message, Part, Role, TextPart, ToolCall

# Every name of a role, older ones included.
ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def to_stored(message: Message) -> dict[str, Any]:
    """Return a message in its kept form; a lone text becomes a string."""
    document: dict[str, Any] = {"role": message.role, "content": _content(message.parts)}
    if message.name is not None:
        document["name"] = message.name
    if message.tool_calls:
        document["tool_calls"] = [tool_call_object(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        document["tool_call_id"] = message.tool_call_id
    return document


def from_stored(document: Mapping[str, Any]) -> Message:
    """Return a kept message; content of an unknown form becomes text, an unknown role a user."""
    calls = document.get("tool_calls")
    if not calls and isinstance(legacy := document.get("function_call"), Mapping):
        calls = [{"function": legacy}]
    return Message(
        ROLES.get(document["role"], "user"),
        _parts(document.get("content")),
        _text(document.get("name")),
        tuple(_call(each) for each in calls if isinstance(each, Mapping)) if isinstance(calls, list) else (),
        _text(document.get("tool_call_id")),
    )


def tool_call_object(call: ToolCall) -> dict[str, Any]:
    """Return OpenAI's form of a tool call."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _content(parts: tuple[Part, ...]) -> str | list[dict[str, str]]:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], TextPart):
        return parts[0].text
    return [_part_object(part) for part in parts]


def _part_object(part: Part) -> dict[str, str]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image", "image": part.url} if isinstance(part, ImagePart) else {"type": "file", "file": part.url}


def _parts(content: object) -> tuple[Part, ...]:
    if content is None or content == "":
        return ()
    if isinstance(content, list):
        return tuple(_part(each) for each in content)
    return (TextPart(_as_text(content)),)


def _part(value: object) -> Part:
    if isinstance(value, Mapping):
        if isinstance(text := value.get("text"), str):
            return TextPart(text)
        if url := _url(value.get("image", value.get("image_url"))):
            return ImagePart(url)
        if url := _url(value.get("file")):
            return FilePart(url)
    return TextPart(_as_text(value))


def _url(value: object) -> str | None:
    return _text(value.get("url") if isinstance(value, Mapping) else value)


def _call(value: Mapping[str, Any]) -> ToolCall:
    function = value.get("function")
    function = function if isinstance(function, Mapping) else {}
    return ToolCall(
        _text(value.get("id")) or "", _text(function.get("name")) or "", _as_text(function.get("arguments", ""))
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
