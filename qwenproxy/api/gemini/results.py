"""Translate the model's calls and their results in Gemini's contents, and say which belong together.

An id is optional there: without one a result belongs to the first open call of its name, else to the first open call.
Pure; part of contents.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.api.fields import json_text
from qwenproxy.api.gemini.media import media_part
from qwenproxy.api.gemini.spelling import list_at, object_at
from qwenproxy.chat import Message, Part, TextPart, ToolCall
from qwenproxy.errors import RequestError

# The fields in which the SDKs wrap a result that is only a text.
_WRAPPERS = ("output", "result", "content")


class CallIds:
    """The calls of one conversation that have no result so far."""

    def __init__(self) -> None:
        self._open: dict[str, str] = {}  # names by id, in order
        self._results: dict[str, Mapping[str, Any]] = {}  # the newest result of each call, by id
        self._count = 0

    def call(self, call: Mapping[str, Any], where: str) -> ToolCall:
        """Return the call of a part. Raises RequestError."""
        name, arguments = call.get("name"), call.get("args", {})
        if not isinstance(name, str) or not name:
            raise RequestError(f"{where}.name is missing.", param=f"{where}.name")
        if not isinstance(arguments, Mapping):
            raise RequestError(f"{where}.args must be an object.", param=f"{where}.args")
        call_id = call.get("id")
        if not isinstance(call_id, str) or not call_id:
            call_id = f"call_{self._count}"
        self._count += 1
        self._open[call_id] = name
        return ToolCall(call_id, name, json_text(arguments, f"{where}.args"))

    def repeats(self, result: Mapping[str, Any]) -> bool:
        """Return whether the call has this very result already: Gemini CLI writes each twice when it resumes."""
        call_id = result.get("id")
        if not isinstance(call_id, str) or not call_id:
            return False
        known = call_id not in self._open and self._results.get(call_id) == result
        self._results[call_id] = result
        return known

    def take(self, call_id: Any, name: str) -> str | None:
        """Return the id of the call that a result answers, None if no call is open."""
        if isinstance(call_id, str) and call_id in self._open:
            chosen = call_id
        else:
            named = (each for each, open_name in self._open.items() if open_name == name)
            chosen = next(named, None) or next(iter(self._open), "")
            if not chosen:
                return call_id if isinstance(call_id, str) and call_id else None
        self._open.pop(chosen)
        return chosen


def result_message(value: Any, where: str, ids: CallIds) -> Message | None:
    """Return the message with the result of a call, None for one that is there already. Raises RequestError."""
    result = object_at(value, where)
    if ids.repeats(result):
        return None
    name = result.get("name", "")
    if not isinstance(name, str):
        raise RequestError(f"{where}.name must be a string.", param=f"{where}.name")
    parts: list[Part] = [TextPart(_text(result.get("response", {}), f"{where}.response"))]
    for index, each in enumerate(list_at(result.get("parts"), f"{where}.parts")):
        place = f"{where}.parts[{index}]"
        if media := media_part(object_at(each, place), place):
            parts.append(media)
    call_id = ids.take(result.get("id"), name)
    return Message("tool", tuple(parts), None if call_id else name or None, tool_call_id=call_id)


def _text(value: Any, where: str) -> str:
    """Return what the model reads: a text that stands alone in its wrapper, else the whole object."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, inner),) = value.items()
        if name in _WRAPPERS and isinstance(inner, str):
            return inner
    return json_text(value, where)
