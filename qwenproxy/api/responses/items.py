"""Translate input items of the Responses API into messages, and give each the form in which it can be kept.

An answer of the model is several items here and one message there. Pure; part of request.py.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai.messages import read_parts
from qwenproxy.api.responses import compaction
from qwenproxy.api.responses.client_calls import call_of, result_of
from qwenproxy.api.responses.objects import Item, new_id
from qwenproxy.chat import ImagePart, Message, Part, Role, TextPart, ToolCall
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.uploads.file_types import image_type

Lookup = Callable[[str], "Mapping[str, Any] | None"]

PICTURE = "image_generation_call"
_ROLES: Mapping[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_PREFIXES: Mapping[str, str] = {
    "message": "msg", "function_call": "fc", "function_call_output": "fco", "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco", "reasoning": "rs", "web_search_call": "ws", "compaction": "cmp",
    PICTURE: "ig",
}  # fmt: skip
# They say nothing to the model; those of the first kind belong to the answer around them.
_SILENT_IN_ANSWER = frozenset({"reasoning", "web_search_call", "file_search_call", "tool_search_call"})
_SILENT = frozenset({"additional_tools", "tool_search_output", "mcp_list_tools"})


def no_items(item_id: str) -> None:
    """Look an item up where none is kept."""


def normalised(value: Any, lookup: Lookup = no_items) -> tuple[Item, ...]:
    """Return the items of an `input`, each with an id and a type; references become what they name.

    Raises RequestError naming the invalid item.
    """
    if isinstance(value, str):
        value = [{"role": "user", "content": value}] if value.strip() else []
    if not isinstance(value, list):
        raise RequestError("input must be a string or an array of items.", param="input")
    return tuple(_writable(_normalised(each, f"input[{index}]", lookup), index) for index, each in enumerate(value))


def _writable(item: Item, index: int) -> Item:
    """Return the item if it can be kept as JSON. Raises RequestError."""
    where = f"input[{index}]"
    try:
        orjson.dumps(item)
    except orjson.JSONEncodeError:
        raise RequestError(f"{where} is nested too deeply, or has a number that is too large.", param=where) from None
    return item


def _normalised(value: Any, where: str, lookup: Lookup) -> Item:
    if not isinstance(value, Mapping):
        raise RequestError(f"{where} must be an object.", param=where)
    kind = value.get("type") or ("message" if "role" in value else "item_reference" if set(value) == {"id"} else None)
    if not isinstance(kind, str):
        raise RequestError(f"{where}.type must name the kind of the item.", param=f"{where}.type")
    if kind == "item_reference":
        found = lookup(str(value.get("id")))
        if found is None:
            raise RequestError(f"{where}: there is no kept item {str(value.get('id'))[:100]!r}.", param=f"{where}.id")
        return dict(found)
    item_id = value.get("id")
    item = {**value, "type": kind, "id": item_id if isinstance(item_id, str) and item_id else _new_id(kind)}
    if kind == PICTURE and not item.get("result"):
        found = lookup(item["id"])  # clients name a picture that they do not keep
        if found is None and "result" not in value:
            raise RequestError(f"{where}: there is no kept picture {item['id'][:100]!r}.", param=f"{where}.id")
        return dict(found or item)
    return _message_item(item, where) if kind == "message" else item


def _new_id(kind: str) -> str:
    return new_id(_PREFIXES.get(kind, "item"))


def _message_item(item: Item, where: str) -> Item:
    role = item.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise RequestError(f"{where}.role must be one of {', '.join(_ROLES)}.", param=f"{where}.role")
    content = item.get("content")
    if content is None or isinstance(content, str):
        content = [_text_part(role, content)] if content is not None else []
    return {**item, "status": item.get("status") or "completed", "content": content}


def _text_part(role: str, text: str) -> Item:
    if role == "assistant":
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "input_text", "text": text}


class Conversation:
    """Items put together into messages. `wants_summary` says that the last one asks for a compaction."""

    def __init__(self, ignored: Ignored) -> None:
        self.messages: list[Message] = []
        self.wants_summary = False
        self._ignored = ignored
        self._calls: dict[str, str] = {}  # id -> name
        self._is_in_answer = False  # the last items are those of one answer
        self._goes_on = False  # a text that comes now goes on with that of the answer

    def add(self, item: Item, where: str) -> None:
        """Take an item in. Raises RequestError naming `where`."""
        kind = item["type"]
        if kind == "message":
            self._add_message(item, where)
        elif kind in _SILENT_IN_ANSWER:
            self._goes_on = self._is_in_answer
        elif (call := call_of(item, where)) is not None:
            self._add_call(call)
        elif (result := result_of(item, where)) is not None:
            self._add_result(*result, where)
        elif kind == PICTURE:
            self._add_picture(item, where)
        elif kind == "compaction":
            self._add_summary(item, where)
        elif kind == compaction.TRIGGER["type"]:
            self.wants_summary = True
        elif kind not in _SILENT:
            self._ignored.add("input", kind)

    def _add_message(self, item: Item, where: str) -> None:
        content = item["content"]
        _refuse_file_ids(content, f"{where}.content")
        parts = read_parts(content, f"{where}.content", self._ignored)
        role = _ROLES[item["role"]]
        if role == "user" and content and not parts:
            raise UnsupportedParameter(
                f"{where} has no part of a supported type. Send text, images or files.", param=f"{where}.content[0]"
            )
        if role == "assistant" and self._is_in_answer and self._goes_on:
            last = self.messages[-1]
            self.messages[-1] = replace(last, parts=_joined(last.parts, parts))
        else:
            self.messages.append(Message(role, parts))
        self._is_in_answer, self._goes_on = role == "assistant", False

    def _add_call(self, call: ToolCall) -> None:
        self._calls[call.id] = call.name
        if not self._is_in_answer:
            self.messages.append(Message("assistant"))
        last = self.messages[-1]
        self.messages[-1] = replace(last, tool_calls=(*last.tool_calls, call))
        self._is_in_answer = self._goes_on = True

    def _add_picture(self, item: Item, where: str) -> None:
        """Show the model a picture of its answer; one that failed shows nothing."""
        self._goes_on = self._is_in_answer
        data = item.get("result")
        if not data:
            return
        if not isinstance(data, str) or (content_type := _image_type(data)) is None:
            raise RequestError(f"{where}.result must be an image in base64.", param=f"{where}.result")
        if not self._is_in_answer:
            self.messages.append(Message("assistant"))
        last = self.messages[-1]
        picture = ImagePart(f"data:{content_type};base64,{data}")
        self.messages[-1] = replace(last, parts=(*last.parts, picture))
        self._is_in_answer = self._goes_on = True

    def _add_result(self, call_id: str | None, output: Any, where: str) -> None:
        if call_id not in self._calls:
            raise RequestError(
                f"No tool call found for function call output with call_id {str(call_id)[:100]}.", param="input"
            )
        _refuse_file_ids(output, f"{where}.output")
        parts = read_parts(output, f"{where}.output", self._ignored)
        self.messages.append(Message("tool", parts, tool_call_id=call_id))
        self._is_in_answer = self._goes_on = False

    def _add_summary(self, item: Item, where: str) -> None:
        message = compaction.summary_message(str(item.get("encrypted_content")))
        if message is None:
            raise RequestError(
                f"{where} is a compaction that was not made by this server, so it cannot be read.",
                param=f"{where}.encrypted_content",
            )
        if self.wants_summary:  # it stands for all that was asked to be summarised
            self.messages = [each for each in self.messages if each.role == "system"]
            self.wants_summary = False
        self.messages.append(message)
        self._is_in_answer = self._goes_on = False


def _image_type(data: str) -> str | None:
    """Return the type of an image in base64, None for anything else."""
    try:
        return image_type(base64.b64decode(data[:64], validate=True))
    except ValueError:
        return None


def added_tools(items: Sequence[Item]) -> list[Any]:
    """Return the tools that items bring beside those of the request."""
    return [
        tool
        for item in items
        if item["type"] in _SILENT and isinstance(item.get("tools"), list)
        for tool in item["tools"]
    ]


def _joined(before: tuple[Part, ...], after: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the parts of an answer that was interrupted, as it was before that."""
    if before and after and isinstance(before[-1], TextPart) and isinstance(after[0], TextPart):
        return (*before[:-1], TextPart(before[-1].text + after[0].text), *after[1:])
    return (*before, *after)


def _refuse_file_ids(content: Any, where: str) -> None:
    for index, part in enumerate(content if isinstance(content, list) else ()):
        if isinstance(part, Mapping) and part.get("file_id") and not _has_source(part):
            raise UnsupportedParameter(
                f"{where}[{index}]: files are not kept here. Send the data or a URL in place of file_id.",
                param=f"{where}[{index}].file_id",
            )


def _has_source(part: Mapping[str, Any]) -> bool:
    return any(part.get(name) for name in ("image_url", "file_data", "file_url"))
