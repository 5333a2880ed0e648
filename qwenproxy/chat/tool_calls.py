"""Find the calls that the model writes into its text (protocol 4.6): a stage of the answer."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from qwenproxy.chat import Event, Finish, Text, ToolCall, call_events

_OPEN = "<tool_call>"
_CLOSE = "</tool_call>"

# an answer may talk about the tag: only a tag with an object behind it opens a block
_BLOCK_START = re.compile(rf"{_OPEN}\s*\{{")
_MAY_BECOME_START = re.compile(
    "(?:" + "|".join(re.escape(_OPEN[:length]) for length in range(1, len(_OPEN))) + rf"|{_OPEN}\s*)\Z"
)
_JSON_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class ToolCallParser:
    """Split streamed answer text into Text and ToolCall events, wherever the stream is cut.

    Text that may yet turn out to be the start of a block is held back. A block that is no call comes back as text.
    """

    def __init__(self) -> None:
        self._held = ""
        self._block: list[str] = []  # pieces, joined once: a call may write a whole file in small steps
        self._edge = ""
        self._after_call = False

    def feed(self, text: str) -> list[Text | ToolCall]:
        """Take new text of the answer; return what is certain by now."""
        events: list[Text | ToolCall] = []
        while text:
            text = self._in_block(text, events) if self._block else self._outside(text, events)
        return events

    def flush(self) -> list[Text | ToolCall]:
        """Return what was held back. A call that lacks only its closing tag still counts."""
        events: list[Text | ToolCall] = []
        block, held = "".join(self._block), self._held
        self._block, self._edge, self._held = [], "", ""
        call = _call(block.removeprefix(_OPEN)) if block else None
        if call is not None:
            events.append(call)
        else:
            self._say(block + held, events)
        return events

    def _outside(self, text: str, events: list[Text | ToolCall]) -> str:
        text = self._held + text
        start = _BLOCK_START.search(text)
        if start is not None:
            self._held = ""
            self._block = [start.group()]
            self._say(text[: start.start()], events)
            return text[start.end() :]
        partial = _MAY_BECOME_START.search(text)
        certain = partial.start() if partial is not None else len(text)
        self._held = text[certain:]
        self._say(text[:certain], events)
        return ""

    def _in_block(self, text: str, events: list[Text | ToolCall]) -> str:
        window = self._edge + text
        at = window.find(_CLOSE)
        if at < 0:
            self._block.append(text)
            self._edge = window[1 - len(_CLOSE) :]
            return ""
        end = at + len(_CLOSE) - len(self._edge)
        block = "".join(self._block) + text[:end]
        self._edge = ""
        body = block[len(_OPEN) : -len(_CLOSE)]
        call = _call(body)
        if call is None and '"' in _JSON_STRING.sub("", body):
            # the tag stands inside a string of the arguments: the block goes on
            self._block = [block]
            return text[end:]
        self._block = []
        if call is not None:
            events.append(call)
            self._after_call = True
        else:
            self._say(block, events)
        return text[end:]

    def _say(self, text: str, events: list[Text | ToolCall]) -> None:
        if self._after_call:
            # line breaks between blocks belong to the notation, not to the answer
            text = text.lstrip()
        if text:
            self._after_call = False
            events.append(Text(text))


def find_calls(events: Iterator[Event]) -> Iterator[Event]:
    """Turn the marked blocks in an answer's text into ToolCall events: a stage of the answer."""
    parser = ToolCallParser()
    has_calls = False
    for event in events:
        if isinstance(event, Text):
            pieces = parser.feed(event.text)
        elif isinstance(event, Finish):
            pieces = parser.flush()
        else:
            yield event
            continue
        for piece in pieces:
            if isinstance(piece, ToolCall):
                has_calls = True
                yield from call_events(piece)
            else:
                yield piece
        if isinstance(event, Finish):
            yield Finish("tool_calls") if has_calls else event


def _call(body: str) -> ToolCall | None:
    try:
        block = json.loads(body, parse_constant=_no_number)
        if not isinstance(block, dict):
            return None
        name, arguments = block.get("name"), block.get("arguments", {})
        if isinstance(arguments, str):
            # models also write the arguments as OpenAI sends them: JSON in a string
            arguments = json.loads(arguments or "{}", parse_constant=_no_number)
        if not isinstance(name, str) or not name or not isinstance(arguments, dict):
            return None
        text = _json(arguments)
        # an escaped half of a surrogate pair is JSON, but nothing that could be sent on
        (name + text).encode()
    except (ValueError, RecursionError):
        return None
    return ToolCall(f"call_{uuid.uuid4().hex[:24]}", name, text)


def _no_number(_name: str) -> None:
    """Read Python's NaN and Infinity, which are no JSON, as null."""


def _json(value: Any) -> str:
    # not orjson: whole numbers over 64 bits must survive
    return json.dumps(value, ensure_ascii=False)
