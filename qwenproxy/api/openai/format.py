"""OpenAI's answers: the events of a run as the objects of a chat completion. Pure.

Knows no Flask and no site. The shapes are those of the OpenAI API reference; how requests are read is the business of
openai_request.py.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from qwenproxy.chat import Event, Finish, Image, Reasoning, Text, ToolCall, Usage
from qwenproxy.chat.cutting import CHARACTERS_PER_TOKEN
from qwenproxy.history.messages import tool_call_object


@dataclass(slots=True)
class Answer:
    """An answer put together from its events, for clients that do not stream."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    finish_reason: str = "stop"
    usage: Usage | None = None

    def add(self, event: Event) -> None:
        """Take one event in."""
        if isinstance(event, Text):
            self.text.append(event.text)
        elif isinstance(event, Image):
            self.text.append(event.markdown)
        elif isinstance(event, Reasoning):
            self.reasoning.append(event.text)
        elif isinstance(event, ToolCall):
            self.tool_calls.append(sendable(event))
        elif isinstance(event, Usage):
            self.usage = event
        elif isinstance(event, Finish):
            self.finish_reason = event.reason

    def message(self, *, legacy: bool = False) -> dict[str, Any]:
        """Return the assistant message; a `legacy` one can carry no more than one call."""
        content = "".join(self.text)
        message: dict[str, Any] = {"role": "assistant", "content": content or (None if self.tool_calls else "")}
        if self.reasoning:
            message["reasoning_content"] = "".join(self.reasoning)
        if self.tool_calls and legacy:
            message["function_call"] = function_call_object(self.tool_calls[0])
        elif self.tool_calls:
            message["tool_calls"] = [tool_call_object(call) for call in self.tool_calls]
        return message


def completion_object(answer: Answer, model: str, prompt: Iterable[str], *, legacy: bool = False) -> dict[str, Any]:
    """Return a `chat.completion`. `prompt` is the question's text, for counts the site did not give."""
    reason = finish_reason(answer.finish_reason, legacy=legacy)
    choice = {"index": 0, "message": answer.message(legacy=legacy), "logprobs": None, "finish_reason": reason}
    usage = answer.usage or estimated_usage(prompt, [*answer.text, *answer.reasoning])
    return {
        "id": completion_id(),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": usage_object(usage),
    }


def usage_object(usage: Usage) -> dict[str, Any]:
    """Return OpenAI's `usage` from the site's counts."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def estimated_usage(prompt: Iterable[str], answer: Iterable[str]) -> Usage:
    """Return counts of about four characters a token, where the site gave none."""
    asked, said = (sum(map(len, texts)) for texts in (prompt, answer))
    return Usage(-(-asked // CHARACTERS_PER_TOKEN), -(-said // CHARACTERS_PER_TOKEN))


def sendable(call: ToolCall) -> ToolCall:
    """Return a call whose arguments every client can read: Python's NaN and Infinity are no JSON."""
    if "NaN" not in call.arguments and "Infinity" not in call.arguments:
        return call
    try:
        arguments = json.loads(call.arguments, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return call
    return replace(call, arguments=json.dumps(arguments, ensure_ascii=False))


def function_call_object(call: ToolCall) -> dict[str, Any]:
    """Return the form of a call in OpenAI's older days."""
    return {"name": call.name, "arguments": call.arguments}


def finish_reason(reason: str, *, legacy: bool) -> str:
    """Return OpenAI's word for why an answer ended."""
    return "function_call" if legacy and reason == "tool_calls" else reason


def completion_id() -> str:
    """Return a fresh id of a completion."""
    return f"chatcmpl-{uuid.uuid4().hex}"
