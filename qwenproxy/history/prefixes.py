"""What stands for each beginning of a conversation, so that one that the site holds is found again (contract 7.4).

A chain of digests, one for each message: two requests have the same digest only where client, system text, functions,
model and switches are the same, and every message up to there. It leaves out what clients rewrite without meaning:
outer white space, ids of calls, the order and spelling of arguments. The form has a version. Pure.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from qwenproxy.chat import ChatRequest, FilePart, Message, Part, TextPart, Tool, ToolCall

VERSION = "1"
MAX_LOOKED_UP = 200  # beginnings of one request that are looked for, the longest ones

_EXACT = 1 << 53  # up to here a whole number and the float of the same value are one
# A line that some clients put before their system text, with a digest of the request in it.
_CLIENT_MARK = re.compile(r"^x-anthropic-[\w-]*:.*$\n?", re.MULTILINE | re.IGNORECASE)
_ONE_ALPHABET = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n\f"


class Prefixes:
    """The beginnings of one request's conversation. `whole` stands for all its messages."""

    def __init__(self, request: ChatRequest) -> None:
        """Digest the whole conversation once."""
        self._freeform = frozenset(tool.name for tool in request.tools if tool.freeform)
        self._calls: dict[str, tuple[int, str]] = {}  # id -> number and name of the calls so far
        self._call_count = 0
        self._messages = request.messages
        self._systems = len(list(takewhile(lambda message: message.role == "system", request.messages)))
        self._chain = [_digest(_setting(request, request.messages[: self._systems]))]
        for message in request.messages[self._systems :]:
            self._chain.append(self._next(message))

    @property
    def whole(self) -> bytes:
        """What stands for all messages of the request."""
        return self._chain[-1]

    def continuable(self) -> dict[bytes, int]:
        """Return each beginning that ends with an answer and leaves something to ask, with its number of messages.

        The longest come first.
        """
        ends = [
            number
            for number in range(1, len(self._chain) - 1)
            if self._messages[self._systems + number - 1].role == "assistant"
        ]
        return {self._chain[number]: self._systems + number for number in reversed(ends[-MAX_LOOKED_UP:])}

    def after(self, answer: Message) -> bytes:
        """Return what stands for the conversation with the answer to it."""
        before = dict(self._calls), self._call_count
        try:
            return self._next(answer)
        finally:
            self._calls, self._call_count = before

    def _next(self, message: Message) -> bytes:
        return _digest(self._canonical(message), self._chain[-1])

    def _canonical(self, message: Message) -> dict[str, Any]:
        """Return all of a message that the model could tell from another one."""
        fields: dict[str, Any] = {
            "role": message.role,
            "parts": _parts(message.parts),
            "calls": [self._call(call) for call in message.tool_calls],
            "name": message.name,
        }
        if message.tool_call_id is not None:
            number, name = self._calls.get(message.tool_call_id, (None, None))
            fields["result_of"] = message.tool_call_id if number is None else number
            fields["name"] = None if message.name == name else message.name
        return {name: value for name, value in fields.items() if value not in (None, [])}

    def _call(self, call: ToolCall) -> dict[str, str]:
        self._calls[call.id] = (self._call_count, call.name)
        self._call_count += 1
        is_text = call.name in self._freeform
        return {"name": call.name, "arguments": call.arguments if is_text else _arguments(call.arguments)}


def _setting(request: ChatRequest, systems: Sequence[Message]) -> dict[str, Any]:
    """Return what the answers of a conversation depend on beside its messages."""
    system = "\n\n".join(_CLIENT_MARK.sub("", message.text).strip() for message in systems)
    attachments = [_part(part) for message in systems for part in message.attachments]
    search = request.search
    return {
        "version": VERSION,
        "client": request.client,
        "system": system.strip(),
        "attachments": attachments,
        "tools": sorted((_tool(tool) for tool in request.tools), key=lambda fields: str(fields["name"])),
        "model": request.model or "",
        "search": None if search is None else search.forced,
        "document": None if request.document is None else [request.document.name, request.document.schema],
        "thinking": request.thinking,
        "budget": request.thinking_budget if request.thinking else None,
        **({"work": request.work.kind} if request.work else {}),
    }


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description.strip(),
        "parameters": tool.parameters,
        "freeform": tool.freeform,
        "namespace": tool.namespace,
    }


def _parts(parts: Sequence[Part]) -> list[dict[str, str]]:
    """Return the parts; texts beside each other are one, because the model sees one text."""
    canonical: list[dict[str, str]] = []
    for part in parts:
        if not isinstance(part, TextPart):
            canonical.append(_part(part))
        elif canonical and "text" in canonical[-1]:
            canonical[-1]["text"] += f"\n{part.text}"
        else:
            canonical.append({"text": part.text})
    for fields in canonical:
        if "text" in fields:
            fields["text"] = fields["text"].strip()
    return [fields for fields in canonical if fields.get("text") != ""]


def _part(part: Part) -> dict[str, str]:
    if isinstance(part, TextPart):
        return {"text": part.text.strip()}
    if isinstance(part, FilePart) and part.name is not None:
        return {"file": _content(part.url), "name": part.name}
    return {"file" if isinstance(part, FilePart) else "image": _content(part.url)}


def _content(url: str) -> str:
    """Return an address, or what stands for the bytes of a data: address, however its base64 is written."""
    if url[:5].lower() != "data:":
        return url
    head, _, payload = url[5:].partition(",")
    data = unquote_to_bytes(payload) if "%" in payload else payload.encode("utf-8", "surrogatepass")
    if head.rpartition(";")[2].strip().lower() == "base64":
        data = data.translate(_ONE_ALPHABET, _BLANKS).rstrip(b"=")
    return f"data:{hashlib.sha256(data).hexdigest()}"


def _arguments(text: str) -> str:
    """Return JSON in one spelling; leave anything else as it is."""
    try:
        return json.dumps(json.loads(text or "{}", parse_float=_number), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text.strip()


def _number(text: str) -> int | float:
    number = float(text)
    # Languages with one kind of number write 1.0 as 1.
    return int(number) if abs(number) <= _EXACT and number.is_integer() else number


def _digest(value: Mapping[str, Any], before: bytes = b"") -> bytes:
    try:
        # The fast library, because every other answer waits meanwhile.
        data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # half of a surrogate pair, or a whole number over 64 bits
        data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(before + data).digest()
