"""A short text that stands for a conversation: two that differ to the model have different texts.

A chat keeps it, and it has to match before a question goes on where the site holds the conversation. Its form has a
version, so that messages may get new fields without every kept chat losing its place. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from qwenproxy.chat import FilePart, ImagePart, Message, Part, TextPart, ToolCall

VERSION = "2"


def fingerprint(messages: Sequence[Message]) -> str:
    """Return the fingerprint of a conversation: a version, a colon, and 32 hex digits."""
    # Leave out the fields that a message lacks, so that a new kind of field changes nothing for it.
    return f"{VERSION}:{_digest(_canonical([_message(message) for message in messages]))}"


def stands_for(text: str | None, messages: Sequence[Message]) -> bool:
    """Tell whether a kept fingerprint, in its present or its older form, is that of these messages."""
    if not text:
        return False
    return text == (fingerprint(messages) if ":" in text else _older_fingerprint(messages))


def _canonical(value: list[dict[str, Any]]) -> bytes:
    try:
        # The fast library, because every other answer waits meanwhile.
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # half of a surrogate pair
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _message(message: Message) -> dict[str, Any]:
    fields = {
        "role": message.role,
        "parts": [_part(part) for part in message.parts],
        "name": message.name,
        "calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in message.tool_calls],
        "result_of": message.tool_call_id,
    }
    return {name: value for name, value in fields.items() if value not in (None, [])}


def _part(part: Part) -> dict[str, str]:
    if isinstance(part, TextPart):
        return {"text": part.text}
    if isinstance(part, ImagePart):
        return {"image": part.url}
    return {"file": part.url} if part.name is None else {"file": part.url, "name": part.name}


def _older_fingerprint(messages: Sequence[Message]) -> str:
    """Return the form without a version: the digest of the `repr` that messages had then."""
    return _digest(_tuple_repr(_message_repr(message) for message in messages).encode("utf-8", "surrogatepass"))


def _message_repr(message: Message) -> str:
    return (
        f"Message(role={message.role!r}, parts={_tuple_repr(map(_part_repr, message.parts))}, name={message.name!r}, "
        f"tool_calls={_tuple_repr(map(_call_repr, message.tool_calls))}, tool_call_id={message.tool_call_id!r})"
    )


def _part_repr(part: Part) -> str:
    if isinstance(part, TextPart):
        return f"TextPart(text={part.text!r})"
    if isinstance(part, FilePart):
        return f"FilePart(url={part.url!r}, name={part.name!r})"
    return f"ImagePart(url={part.url!r})"


def _call_repr(call: ToolCall) -> str:
    return f"ToolCall(id={call.id!r}, name={call.name!r}, arguments={call.arguments!r})"


def _tuple_repr(items: Iterable[str]) -> str:
    texts = list(items)
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
