"""OpenAI's form of a chat completion: server-sent events with `data:` frames of chunks, or one object.

The hot path of the product: one frame per piece of text, its constant parts encoded once.
"""

from __future__ import annotations

import time
from typing import Any

import orjson

from qwenproxy.api.openai.format import (
    annotation_object,
    call_object,
    completion_id,
    completion_object,
    finish_reason,
    function_call_object,
    openai_error,
    usage_object,
)
from qwenproxy.api.sse import DONE, KEEP_ALIVE, frame
from qwenproxy.chat import CallArguments, CallStarted, Citation, Event, Finish, Image, Reasoning, Text, Tool, ToolCall
from qwenproxy.errors import ProxyError
from qwenproxy.history.kept_answer import KeptAnswer


class CompletionEncoder:
    """The encoder of chat completions."""

    keep_alive = KEEP_ALIVE

    def __init__(self, *, include_usage: bool = False, legacy: bool = False, names_chat: bool = False) -> None:
        """`include_usage` adds a chunk with the counts; `legacy` sends only the first tool call, as `function_call`.

        `names_chat` puts `chatId` into the first and the last chunk, and into the object of a whole answer.
        """
        self._include_usage = include_usage
        self._legacy = legacy
        self._names_chat = names_chat
        self._call_count = 0
        self._is_freeform = False  # the tool of the last call
        self._tools: tuple[Tool, ...] = ()
        self._head: dict[str, Any] = {}
        self._edge: dict[str, Any] = {}
        self._before = self._after = b""

    def begin(self, answer: KeptAnswer) -> bytes:
        """Return the chunk with the role."""
        self._head = {
            "id": completion_id(),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": answer.run.model,
        }
        self._edge = self._chat_field(answer)
        self._tools = answer.run.chat.tools
        chunk = orjson.dumps({**self._head, "choices": [{"index": 0, "delta": {"@": ""}, "finish_reason": None}]})
        before, after = chunk.rsplit(b'"@":""', 1)
        self._before, self._after = b"data: " + before, after + b"\n\n"
        return self._chunk({"role": "assistant", "content": ""}, edge=True)

    def event(self, event: Event) -> bytes:
        """Return the chunk of an event, b"" for one without a chunk."""
        if isinstance(event, Text):
            return self._before + b'"content":' + orjson.dumps(event.text) + self._after
        if isinstance(event, Reasoning):
            return self._before + b'"reasoning_content":' + orjson.dumps(event.text) + self._after
        if isinstance(event, Image):
            return self._before + b'"content":' + orjson.dumps(event.markdown) + self._after
        if isinstance(event, Citation):
            return self._chunk({"annotations": [annotation_object(event)]})
        if isinstance(event, CallStarted):
            return self._call_started(event)
        if isinstance(event, CallArguments):
            return self._call_arguments(event)
        if isinstance(event, Finish):
            return self._chunk({}, finish_reason(event.reason, legacy=self._legacy), edge=True)
        return b""

    def usage(self, answer: KeptAnswer) -> bytes:
        """Return the chunk with the counts and without choices, if the client wants it."""
        if not self._include_usage:
            return b""
        counts = usage_object(answer.run.answer.counts(answer.run.chat))
        return frame({**self._head, "choices": [], "usage": counts})

    def end(self, answer: KeptAnswer) -> bytes:
        """Return `[DONE]`."""
        return DONE

    def failure(self, error: ProxyError) -> bytes:
        """Return the frame with the error object, and the chat's id where that exists."""
        chat = {"chatId": error.chat_id} if self._names_chat and error.chat_id else {}
        return frame({**openai_error(error), **chat})

    def whole(self, answer: KeptAnswer) -> dict[str, Any]:
        """Return the `chat.completion`."""
        return {**completion_object(answer.run, legacy=self._legacy), **self._chat_field(answer)}

    def _chat_field(self, answer: KeptAnswer) -> dict[str, Any]:
        return {"chatId": answer.chat_id} if self._names_chat else {}

    def _call_started(self, call: CallStarted) -> bytes:
        self._call_count += 1
        empty = ToolCall(call.id, call.name, "")
        if not self._legacy:
            form = call_object(empty, self._tools)
            self._is_freeform = "custom" in form
            return self._chunk({"tool_calls": [{"index": self._call_count - 1, **form}]})
        return self._chunk({"function_call": function_call_object(empty)}) if self._call_count == 1 else b""

    def _call_arguments(self, arguments: CallArguments) -> bytes:
        more = {"input" if self._is_freeform else "arguments": arguments.text}
        if not self._legacy:
            kind = "custom" if self._is_freeform else "function"
            return self._chunk({"tool_calls": [{"index": self._call_count - 1, kind: more}]})
        return self._chunk({"function_call": more}) if self._call_count == 1 else b""

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None, *, edge: bool = False) -> bytes:
        """Return the chunk of a delta; `edge` marks the first and the last chunk of the answer."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return frame({**self._head, "choices": [choice], **(self._edge if edge else {})})
