"""An answer as Anthropic sends it: named server-sent events, or one message. content.py says which blocks it has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from qwenproxy.api.anthropic.content import Content
from qwenproxy.api.anthropic.format import (
    PING,
    anthropic_error,
    message_object,
    new_id,
    stop_fields,
    usage_object,
)
from qwenproxy.api.anthropic.request import Thoughts
from qwenproxy.api.sse import named_frame
from qwenproxy.chat import ChatRequest, Event, Finish, Usage
from qwenproxy.chat.token_counts import question_tokens
from qwenproxy.errors import ProxyError
from qwenproxy.history.kept_answer import KeptAnswer

QUERY = 200  # characters of a question that stand for an unknown query


class MessageEncoder:
    """The encoder of messages."""

    def __init__(self, chat: ChatRequest, thoughts: Thoughts) -> None:
        self._chat = chat
        self._id = new_id("msg")
        question = next((message.text for message in reversed(chat.messages) if message.role == "user"), "")
        self._content = Content(thoughts, question[:QUERY])
        self._is_begun = False
        self._finish = Finish()

    @property
    def keep_alive(self) -> bytes:
        """A ping; before it, once, the begin of the message, because clients want that first."""
        return self._begin(self._chat.model or "") + PING

    def begin(self, answer: KeptAnswer) -> bytes:
        """Return the begin of the message, unless a sign of life brought it."""
        return self._begin(self._chat.model or answer.run.model)

    def event(self, event: Event) -> bytes:
        """Return the events of the blocks; the end of the message waits for the counts."""
        if isinstance(event, Finish):
            self._finish = event
        return b"".join(map(named_frame, self._content.feed(event)))

    def usage(self, answer: KeptAnswer) -> bytes:
        """Return the event with the reason for the end and the counts."""
        return named_frame(self._message_delta(answer.run.answer.counts(answer.run.chat)))

    def end(self, answer: KeptAnswer) -> bytes:
        """Return the end of the message."""
        return named_frame({"type": "message_stop"})

    def failure(self, error: ProxyError) -> bytes:
        """Return the event with the error object."""
        return named_frame(anthropic_error(error))

    def whole(self, answer: KeptAnswer) -> dict[str, Any]:
        """Return the message."""
        given = answer.run.answer
        self._finish = given.finish or self._finish
        blocks = _blocks(event for each in (*given.events(), self._finish) for event in self._content.feed(each))
        return self._message(self._chat.model or answer.run.model, blocks, given.counts(answer.run.chat))

    def empty(self) -> dict[str, Any]:
        """Return a message without content, which ends where its limit of no tokens says."""
        self._finish = Finish("length")
        return self._message(self._chat.model or "", [], Usage(question_tokens(self._chat), 0))

    def empty_stream(self) -> list[bytes]:
        """Return the same as a stream."""
        self._finish = Finish("length")
        delta = self._message_delta(Usage(question_tokens(self._chat), 0))
        return [self._begin(self._chat.model or ""), named_frame(delta), named_frame({"type": "message_stop"})]

    def _begin(self, model: str) -> bytes:
        if self._is_begun:
            return b""
        self._is_begun = True
        # Clients show how full the context is from this count, before the answer has come.
        message = message_object(self._id, model, question_tokens(self._chat))
        return named_frame({"type": "message_start", "message": message})

    def _message_delta(self, usage: Usage) -> dict[str, Any]:
        stop = stop_fields(self._finish, has_calls=self._content.has_calls)
        return {"type": "message_delta", "delta": stop, "usage": usage_object(usage, self._content.searches)}

    def _message(self, model: str, blocks: list[dict[str, Any]], usage: Usage) -> dict[str, Any]:
        return {
            **message_object(self._id, model, 0),
            "content": blocks,
            **stop_fields(self._finish, has_calls=self._content.has_calls),
            "usage": usage_object(usage, self._content.searches),
        }


def _blocks(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the blocks that the events of a stream make."""
    blocks: list[dict[str, Any]] = []
    arguments = ""
    for event in events:
        if event["type"] == "content_block_start":
            blocks.append(event["content_block"])
            arguments = ""
        elif event["type"] == "content_block_stop":
            if arguments:
                blocks[-1]["input"] = orjson.Fragment(arguments)
        else:
            delta = dict(event["delta"])
            kind = delta.pop("type")
            if kind == "input_json_delta":
                arguments += delta["partial_json"]
            elif kind == "citations_delta":
                blocks[-1].setdefault("citations", []).append(delta["citation"])
            else:
                for name, value in delta.items():
                    blocks[-1][name] += value
    return blocks
