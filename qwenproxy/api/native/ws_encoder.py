"""The WebSocket's form of an answer: one JSON object per event.

`delta` and `reasoning` with `text`, `done` with `chatId`, `model`, `finish_reason` and `usage`, `error` with `code`,
`message` and, if there is a kept chat, `chatId`.
"""

from __future__ import annotations

from typing import Any

import orjson

from qwenproxy.api.openai.format import usage_object
from qwenproxy.api.waits import message_for_client
from qwenproxy.chat import Event, Image, Reasoning, Text
from qwenproxy.errors import ProxyError
from qwenproxy.history.kept_answer import KeptAnswer
from qwenproxy.observe.logs import request_id


class SocketEncoder:
    """The encoder of one answer on a WebSocket, which needs no signs of life."""

    keep_alive = b""

    def __init__(self) -> None:
        self.error_code = ""  # of the `error` that ended the answer
        self.has_ended = False  # after `done` or `error`

    def begin(self, answer: KeptAnswer) -> bytes:
        """Return nothing: `done` names the chat."""
        return b""

    def event(self, event: Event) -> bytes:
        """Return text and thoughts; there is no form for tool calls."""
        if isinstance(event, Text):
            return orjson.dumps({"type": "delta", "text": event.text})
        if isinstance(event, Image):
            return orjson.dumps({"type": "delta", "text": event.markdown})
        if isinstance(event, Reasoning):
            return orjson.dumps({"type": "reasoning", "text": event.text})
        return b""

    def usage(self, answer: KeptAnswer) -> bytes:
        """Return nothing: `done` has the counts."""
        return b""

    def end(self, answer: KeptAnswer) -> bytes:
        """Return `done`."""
        self.has_ended = True
        return orjson.dumps(self.whole(answer))

    def failure(self, error: ProxyError) -> bytes:
        """Return `error`."""
        self.has_ended, self.error_code = True, error.code
        event = {"type": "error", "code": error.code, "message": message_for_client(error)}
        event["request_id"] = request_id.get()
        return orjson.dumps({**event, "chatId": error.chat_id} if error.chat_id else event)

    def whole(self, answer: KeptAnswer) -> dict[str, Any]:
        """Return the object of `done`."""
        run = answer.run
        return {
            "type": "done",
            "chatId": answer.chat_id,
            "finish_reason": run.answer.finish_reason,
            "model": run.model,
            "usage": usage_object(run.answer.counts(run.chat)),
        }
