"""Translate OpenAI's message arrays into the neutral vocabulary. Pure; part of request.py."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qwenproxy.api.fields import json_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.chat import FilePart, ImagePart, Message, Part, TextPart, ToolCall
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.history.messages import ROLES
from qwenproxy.uploads.file_types import clean_name
from qwenproxy.upstream.folding import MAX_ATTACHMENTS

# Older thoughts of a model do not belong to the question.
THOUGHTS = ("thinking", "redacted_thinking", "reasoning")


def parse_messages(value: Any, ignored: Ignored | None = None) -> tuple[Message, ...]:
    """Translate a `messages` array. Raises RequestError, UnsupportedParameter naming the invalid element.

    A message may lack its content. Parts of an unknown type are left out and go into `ignored`.
    The limit of attachments is for the last user message only, because older messages may add up to more.
    """
    if not isinstance(value, list) or not value:
        raise RequestError("messages must be a non-empty array.", param="messages")
    ignored = Ignored() if ignored is None else ignored
    messages = _with_call_ids([_message(each, f"messages[{index}]", ignored) for index, each in enumerate(value)])
    _check_question(value, messages)
    check_attachments(messages, "messages")
    return messages


def parse_content(value: Any, where: str, ignored: Ignored | None = None) -> tuple[Part, ...]:
    """Translate the content of a message: a string, or an array of parts. Raises RequestError."""
    parts = read_parts(value, where, Ignored() if ignored is None else ignored)
    _check_parts(parts, where)
    return parts


def check_attachments(messages: Sequence[Message], where: str) -> None:
    """Refuse too many attachments of the last user message. Raises RequestError naming `where`."""
    _check_parts(next((each.parts for each in reversed(messages) if each.role == "user"), ()), where)


def _check_parts(parts: tuple[Part, ...], where: str) -> None:
    if len({part for part in parts if not isinstance(part, TextPart)}) > MAX_ATTACHMENTS:
        raise RequestError(f"A message may have at most {MAX_ATTACHMENTS} images and files.", param=where)


def read_parts(value: Any, where: str, ignored: Ignored) -> tuple[Part, ...]:
    """Translate content of any number of attachments. Raises RequestError naming the invalid part."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (TextPart(value),)
    if not isinstance(value, list):
        raise RequestError(f"{where} must be a string or an array of parts.", param=where)
    parts = [_part(each, f"{where}[{index}]", ignored) for index, each in enumerate(value)]
    return tuple(part for part in parts if part is not None)


def _message(value: Any, where: str, ignored: Ignored) -> Message:
    if not isinstance(value, Mapping):
        raise RequestError(f"{where} must be an object.", param=where)
    role = value.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise RequestError(f"{where}.role must be one of {', '.join(ROLES)}.", param=f"{where}.role")
    tool_calls = _tool_calls(value.get("tool_calls"), f"{where}.tool_calls")
    content = value.get("content")
    return Message(
        ROLES[role],
        read_parts(value.get("refusal") if content is None else content, f"{where}.content", ignored),
        _optional_text(value.get("name"), f"{where}.name"),
        tool_calls or _legacy_call(value.get("function_call"), where),
        _optional_text(value.get("tool_call_id"), f"{where}.tool_call_id"),
    )


def _part(value: Any, where: str, ignored: Ignored) -> Part | None:
    """Translate a part; None for one that is left out. Thoughts are not named, because nobody expects them to count."""
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
        file = value.get("file", value if kind == "input_file" else None)
        return FilePart(_url(file, where), _file_name(file, where))
    if kind not in THOUGHTS:
        ignored.add(re.split(r"[.\[]", where, maxsplit=1)[0], "content", kind)
    return None


def _check_question(value: Any, messages: tuple[Message, ...]) -> None:
    """Refuse a question without any usable part, because its answer would be to something else."""
    index = max((each for each, message in enumerate(messages) if message.role == "user"), default=None)
    if index is None or messages[index].parts or not value[index].get("content"):
        return
    raise UnsupportedParameter(
        f"messages[{index}] has no part of a supported type. Send text, images or files.",
        param=f"messages[{index}].content[0]",
    )


def _url(value: Any, where: str) -> str:
    if isinstance(value, Mapping):
        value = value.get("url") or _data_url(value.get("file_data")) or value.get("file_url")
    if not isinstance(value, str) or not value.strip():
        raise RequestError(f"{where} must have a URL.", param=where)
    return value.strip()


def _data_url(value: Any) -> Any:
    """Return file_data as a URL, because many clients send only the base64."""
    has_scheme = not isinstance(value, str) or not value or re.match(r"\s*[a-z][a-z0-9+.-]*:", value, re.IGNORECASE)
    return value if has_scheme else f"data:;base64,{value}"


def _file_name(value: Any, where: str) -> str | None:
    name = _optional_text(value.get("filename"), f"{where}.file.filename") if isinstance(value, Mapping) else None
    return clean_name(name) if name else None


def _tool_calls(value: Any, where: str) -> tuple[ToolCall, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RequestError(f"{where} must be an array.", param=where)
    return tuple(_tool_call(each, f"{where}[{index}]", where) for index, each in enumerate(value))


def _tool_call(value: Any, where: str, param: str) -> ToolCall:
    custom = value.get("custom") if isinstance(value, Mapping) else None
    if isinstance(custom, Mapping):
        value = {**value, "function": {**custom, "arguments": custom.get("input")}}
    return _call(value.get("function") if isinstance(value, Mapping) else None, value, where, param)


def _legacy_call(value: Any, where: str) -> tuple[ToolCall, ...]:
    return () if value is None else (_call(value, {}, f"{where}.function_call", f"{where}.function_call"),)


def _call(function: Any, call: Any, where: str, param: str) -> ToolCall:
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise RequestError(f"{where} must be a function call.", param=param)
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = "" if arguments is None else json_text(arguments, f"{where}.function.arguments")
    return ToolCall(str(call.get("id") or ""), function["name"], arguments)


def _with_call_ids(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Give tool calls without an id an id, and results without one the id of their call.

    OpenAI's older form has only names, and some clients do not even send those: then the order counts.
    """
    open_calls: list[ToolCall] = []
    return tuple(_with_ids(message, f"call_{index}", open_calls) for index, message in enumerate(messages))


def _with_ids(message: Message, fresh: str, open_calls: list[ToolCall]) -> Message:
    if message.role == "user":
        open_calls.clear()
    if message.role == "tool":
        return _with_open_id(message, open_calls)
    calls = tuple(replace(call, id=call.id or f"{fresh}_{n}") for n, call in enumerate(message.tool_calls))
    open_calls += calls
    return message if calls == message.tool_calls else replace(message, tool_calls=calls)


def _with_open_id(result: Message, open_calls: list[ToolCall]) -> Message:
    """Return a result with the id of the first open call that it may belong to; that call is open no more."""
    call_id, name = result.tool_call_id, result.name
    for call in open_calls:
        if call.id == call_id if call_id else name in (None, call.name):
            open_calls.remove(call)
            return replace(result, tool_call_id=call.id)
    return result


def _optional_text(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{where} must be a string.", param=where)
    return value
