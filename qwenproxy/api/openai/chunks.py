"""An answer as server-sent events: `data:` frames of chat.completion chunks, made from a run's events.

The hot path of the product: one frame per piece of text, its constant parts encoded once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import orjson

from qwenproxy.api.errors import openai_error, unforeseen
from qwenproxy.api.openai.format import (
    completion_id,
    estimated_usage,
    finish_reason,
    function_call_object,
    sendable,
    usage_object,
)
from qwenproxy.chat import Event, Finish, Image, Reasoning, Text, Tick, ToolCall
from qwenproxy.errors import ProxyError
from qwenproxy.history.messages import tool_call_object

if TYPE_CHECKING:
    from qwenproxy.relay.run import ChatRun

log = logging.getLogger(__name__)

KEEP_ALIVE_AFTER = 10  # seconds of silence towards the client
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"


class Chunks:
    """Encodes the chunks of one answer. `extra` fields stand in the first and the last one.

    With `legacy` the first call is sent as `function_call`, which has no room for more.
    """

    def __init__(self, model: str, extra: dict[str, Any] | None = None, *, legacy: bool = False) -> None:
        self._legacy = legacy
        self._head = {
            "id": completion_id(),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self.extra = extra or {}
        self._calls = 0
        frame = orjson.dumps({**self._head, "choices": [{"index": 0, "delta": {"@": ""}, "finish_reason": None}]})
        self._before, self._after = frame.split(b'"@":""')
        self._before = b"data: " + self._before
        self._after += b"\n\n"

    def content(self, text: str) -> bytes:
        """Return a chunk with new answer text."""
        return self._before + b'"content":' + orjson.dumps(text) + self._after

    def reasoning(self, text: str) -> bytes:
        """Return a chunk with new thinking text."""
        return self._before + b'"reasoning_content":' + orjson.dumps(text) + self._after

    def event(self, event: Event) -> bytes:
        """Return the chunk of an event, b"" for one that clients are not told of."""
        if isinstance(event, Text):
            return self.content(event.text)
        if isinstance(event, Reasoning):
            return self.reasoning(event.text)
        if isinstance(event, Image):
            return self.content(event.markdown)
        if isinstance(event, ToolCall):
            return self._call(sendable(event))
        if isinstance(event, Finish):
            return self.delta({}, finish_reason(event.reason, legacy=self._legacy), edge=True)
        return b""

    def delta(self, delta: dict[str, Any], finish_reason: str | None = None, *, edge: bool = False) -> bytes:
        """Return a chunk with any delta; `edge` marks the first and the last one of the answer."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self._frame({**self._head, "choices": [choice], **(self.extra if edge else {})})

    def usage(self, usage: dict[str, Any]) -> bytes:
        """Return the chunk without choices that carries the counts."""
        return self._frame({**self._head, "choices": [], "usage": usage})

    def _call(self, call: ToolCall) -> bytes:
        self._calls += 1
        if not self._legacy:
            return self.delta({"tool_calls": [{"index": self._calls - 1, **tool_call_object(call)}]})
        return self.delta({"function_call": function_call_object(call)}) if self._calls == 1 else b""

    @staticmethod
    def _frame(value: dict[str, Any]) -> bytes:
        return b"data: " + orjson.dumps(value) + b"\n\n"


def frames(
    run: ChatRun,
    chunks: Chunks,
    client_gone: Callable[[], bool],
    *,
    include_usage: bool = False,
    prompt: tuple[str, ...] = (),
) -> Iterator[bytes]:
    """Yield the answer as frames until it is complete, fails, or the client is gone.

    A failure becomes one error frame and the end, without `[DONE]` (contract 4.3). The caller closes the run.
    """
    silent = 0
    said: list[str] = []
    yield chunks.delta({"role": "assistant", "content": ""}, edge=True)
    if not run.begun:
        yield KEEP_ALIVE
    try:
        for event in _finished_last(run) if chunks.extra else run:
            if isinstance(event, Tick):
                silent += 1
                if client_gone():
                    log.info("account=%s client gone, answer stopped", run.account_id)
                    return
                if silent % KEEP_ALIVE_AFTER == 0:
                    yield KEEP_ALIVE
            elif frame := chunks.event(event):
                silent = 0
                if isinstance(event, Text | Reasoning):
                    said.append(event.text)
                yield frame
    except Exception as error:
        failure = error if isinstance(error, ProxyError) else unforeseen(error)
        log.warning("account=%s answer broke off: %s", run.account_id, failure.message)
        yield b"data: " + orjson.dumps(openai_error(failure)) + b"\n\n"
        return
    if include_usage:
        yield chunks.usage(usage_object(run.usage or estimated_usage(prompt, said)))
    yield DONE


def _finished_last(run: ChatRun) -> Iterator[Event]:
    """Yield the run's events, but Finish when the run has ended, and what was said is kept.

    For chunks that name a chat: to a client the last one says that this chat exists.
    """
    finish: list[Event] = []
    for event in run:
        if isinstance(event, Finish):
            finish.append(event)
        else:
            yield event
    yield from finish
