"""An answer as Gemini sends it: objects with a candidate, streamed as server-sent events or in one array, or whole.

A call goes out whole, because Gemini's form has no pieces of one. The SDKs read any line that is not `data:` as an
error object, so a sign of life is a blank line.
"""

from __future__ import annotations

from typing import Any

import orjson

from qwenproxy.api.gemini.format import (
    call_part,
    candidate,
    final_fields,
    gemini_error,
    head,
    thought_part,
    usage_metadata,
)
from qwenproxy.api.sse import frame
from qwenproxy.chat import Event, Image, Reasoning, Text
from qwenproxy.chat.whole_calls import WholeCalls
from qwenproxy.errors import ProxyError
from qwenproxy.history.kept_answer import KeptAnswer


class GeminiEncoder:
    """The encoder of generateContent and streamGenerateContent."""

    def __init__(self, *, shows_thoughts: bool = False, as_array: bool = False, is_bare: bool = False) -> None:
        """`shows_thoughts` sends the model's thinking; `as_array` streams one JSON array in place of events.

        `is_bare` sends an answer that is one JSON string as its plain text, at the end.
        """
        self._shows_thoughts = shows_thoughts
        self._as_array = as_array
        self._is_bare = is_bare
        self._is_begun = False  # an element of the array is out
        self._head: dict[str, str] = {}
        self._calls = WholeCalls()

    @property
    def keep_alive(self) -> bytes:
        """A blank line, also between the elements of the array."""
        return b"\n" if self._as_array else b"\n\n"

    def begin(self, answer: KeptAnswer) -> bytes:
        """Return nothing: a stream begins with its first part."""
        self._head = head(answer)
        return b""

    def event(self, event: Event) -> bytes:
        """Return the object with the part of an event, b"" for one that is held back or not shown."""
        if isinstance(event, Text):
            return b"" if self._is_bare else self._parts([{"text": event.text}])
        if isinstance(event, Image):
            return self._parts([{"text": event.markdown}])
        if isinstance(event, Reasoning):
            return self._parts([thought_part(event.text)]) if self._shows_thoughts else b""
        call = self._calls.take(event)
        return self._parts([call_part(call)]) if call else b""

    def usage(self, answer: KeptAnswer) -> bytes:
        """Return nothing: the counts stand in the last object."""
        return b""

    def end(self, answer: KeptAnswer) -> bytes:
        """Return the last object: why the answer ended, its sources, and the counts."""
        # Programs print the text of each object, so the last one has one, too.
        text = self._text(answer) if self._is_bare else ""
        last = candidate([{"text": text}], **final_fields(answer))
        counts = usage_metadata(answer.run.answer.counts(answer.run.chat))
        piece = self._piece({"candidates": [last], "usageMetadata": counts, **self._head})
        return piece + b"]" if self._as_array else piece

    def failure(self, error: ProxyError) -> bytes | tuple[bytes, ...]:
        """Return the error object; an array stays open behind it, so that nobody takes it for a whole answer.

        Of a stream of events it comes twice, because older SDKs see only a bare object, and others only an event. Those
        that saw neither, because several pieces arrived as one, stumble over an event without its end.
        """
        if self._as_array:
            return self._element(gemini_error(error))
        text = orjson.dumps(gemini_error(error)) + b"\n\n"
        return text, b"data: " + text + b"data:"

    def alone(self, value: dict[str, Any]) -> bytes:
        """Return an object that is the whole answer as a stream."""
        piece = self._piece(value)
        return piece + b"]" if self._as_array else piece

    def whole(self, answer: KeptAnswer) -> dict[str, Any]:
        """Return the complete answer as one object."""
        content = answer.run.answer
        thoughts = [thought_part(content.reasoning)] if self._shows_thoughts and content.reasoning else []
        texts = [{"text": self._text(answer)}] if content.text or not content.tool_calls else []
        calls = [call_part(call) for call in content.tool_calls]
        only = candidate([*thoughts, *texts, *calls], **final_fields(answer, len(thoughts)))
        counts = usage_metadata(content.counts(answer.run.chat))
        return {"candidates": [only], "usageMetadata": counts, **head(answer)}

    def _text(self, answer: KeptAnswer) -> str:
        text = answer.run.answer.text
        return _without_quotes(text) if self._is_bare else text

    def _parts(self, parts: list[dict[str, Any]]) -> bytes:
        return self._piece({"candidates": [candidate(parts)], **self._head})

    def _piece(self, value: dict[str, Any]) -> bytes:
        return self._element(value) if self._as_array else frame(value)

    def _element(self, value: dict[str, Any]) -> bytes:
        before = b",\n" if self._is_begun else b"["
        self._is_begun = True
        return before + orjson.dumps(value)


def _without_quotes(text: str) -> str:
    """Return the string that a JSON text holds; one that was cut stays as it is."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if isinstance(value, str) else text
