"""An answer as OpenAI sends a legacy completion: objects of type `text_completion`, streamed or whole.

There is no form for thoughts and tool calls; the request offers no tools.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from qwenproxy.api.openai.format import openai_error, usage_object
from qwenproxy.api.sse import DONE, KEEP_ALIVE, frame
from qwenproxy.chat import Event, Finish, Image, Text
from qwenproxy.errors import ContextLengthExceeded, ProxyError
from qwenproxy.history.kept_answer import KeptAnswer


def completion_error(error: ProxyError) -> dict[str, Any]:
    """Return OpenAI's error object in the words of this API, whose only text is the prompt."""
    answer = openai_error(error)
    if isinstance(error, ContextLengthExceeded):
        message = (
            f"This model's maximum context length is {error.maximum} tokens. However, your prompt resulted in "
            f"{error.tokens} tokens. Please reduce its length."
        )
        answer["error"] |= {"message": message, "param": "prompt"}
    return answer


class TextEncoder:
    """The encoder of legacy completions."""

    keep_alive = KEEP_ALIVE

    def __init__(self, echo: str = "", *, include_usage: bool = False) -> None:
        """`echo` is text that comes before the answer's own."""
        self._echo = echo
        self._include_usage = include_usage
        self._head: dict[str, Any] = {}

    def begin(self, answer: KeptAnswer) -> bytes:
        """Return the echo, if the client wants one."""
        self._head = _head(answer)
        return self._chunk(self._echo) if self._echo else b""

    def event(self, event: Event) -> bytes:
        """Return a chunk with text, or with the reason for the end."""
        if isinstance(event, Text):
            return self._chunk(event.text)
        if isinstance(event, Image):
            return self._chunk(event.markdown)
        return self._chunk("", event.reason) if isinstance(event, Finish) else b""

    def usage(self, answer: KeptAnswer) -> bytes:
        """Return the chunk with the counts and without choices, if the client wants it."""
        return frame({**self._head, "choices": [], "usage": _counts(answer)}) if self._include_usage else b""

    def end(self, answer: KeptAnswer) -> bytes:
        """Return `[DONE]`."""
        return DONE

    def failure(self, error: ProxyError) -> bytes:
        """Return the frame with the error object."""
        return frame(completion_error(error))

    def whole(self, answer: KeptAnswer) -> dict[str, Any]:
        """Return the `text_completion`."""
        choice = _choice(self._echo + answer.run.answer.text, answer.run.answer.finish_reason)
        return {**_head(answer), "choices": [choice], "usage": _counts(answer)}

    def _chunk(self, text: str, finish_reason: str | None = None) -> bytes:
        return frame({**self._head, "choices": [_choice(text, finish_reason)]})


def _head(answer: KeptAnswer) -> dict[str, Any]:
    return {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": answer.run.model,
    }


def _choice(text: str, finish_reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish_reason}


def _counts(answer: KeptAnswer) -> dict[str, Any]:
    return usage_object(answer.run.answer.counts(answer.run.chat))
