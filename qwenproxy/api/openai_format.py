"""OpenAI's chat-completion JSON, both ways, as pure functions: bodies to ChatRequest, events to answer objects.

Knows no Flask and no site. The shapes are those of the OpenAI API reference; what cannot be honoured is named, not
guessed (contract section 4.2).
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from qwenproxy.api.openai_messages import parse_messages, parse_tool_choice, parse_tools
from qwenproxy.chat import ChatRequest, Event, Finish, Image, Reasoning, Text, ToolCall, Usage
from qwenproxy.errors import RequestError, UnsupportedParameter

HONOURED = frozenset(
    {
        "messages", "model", "stream", "stream_options", "stop", "max_tokens", "max_completion_tokens", "n",
        "tools", "tool_choice", "reasoning_effort", "enable_thinking", "thinking_budget",
    }
)  # fmt: skip
MAX_STOP_SEQUENCES = 16
THINKS_AT_EFFORT = {"none": False, "minimal": False, "low": True, "medium": True, "high": True, "xhigh": True}
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A parsed body: the neutral request, and how the answer shall be sent. `ignored` names parameters."""

    chat: ChatRequest
    include_usage: bool = False
    ignored: tuple[str, ...] = ()


def parse_chat_request(body: Mapping[str, Any]) -> CompletionRequest:
    """Translate the body of POST /v1/chat/completions. Raises RequestError, UnsupportedParameter naming the field."""
    if _integer(body, "n", least=1) not in (None, 1):
        raise UnsupportedParameter("Only one answer per request is possible: n must be 1.", param="n")
    tool_choice = parse_tool_choice(body.get("tool_choice"))
    chat = ChatRequest(
        messages=parse_messages(body.get("messages")),
        model=_text(body, "model"),
        thinking=_thinking(body),
        thinking_budget=_integer(body, "thinking_budget", least=1),
        stop=_stop(body.get("stop")),
        max_tokens=_max_tokens(body),
        tools=() if tool_choice == "none" else parse_tools(body.get("tools")),
        tool_choice=tool_choice,
        streamed=bool(_boolean(body, "stream")),
    )
    options = body.get("stream_options")
    if options is not None and not isinstance(options, Mapping):
        raise RequestError("stream_options must be an object.", param="stream_options")
    ignored = tuple(name for name, value in body.items() if name not in HONOURED and value is not None)
    return CompletionRequest(chat, bool(_boolean(options or {}, "include_usage")), _printable(ignored))


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
            self.tool_calls.append(event)
        elif isinstance(event, Usage):
            self.usage = event
        elif isinstance(event, Finish):
            self.finish_reason = event.reason

    def message(self) -> dict[str, Any]:
        """Return the assistant message."""
        content = "".join(self.text)
        message: dict[str, Any] = {"role": "assistant", "content": content or (None if self.tool_calls else "")}
        if self.reasoning:
            message["reasoning_content"] = "".join(self.reasoning)
        if self.tool_calls:
            message["tool_calls"] = [tool_call_object(call) for call in self.tool_calls]
        return message


def completion_object(answer: Answer, model: str, prompt: Iterable[str]) -> dict[str, Any]:
    """Return a `chat.completion`. `prompt` is the question's text, for counts the site did not give."""
    choice = {"index": 0, "message": answer.message(), "logprobs": None, "finish_reason": answer.finish_reason}
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


def tool_call_object(call: ToolCall) -> dict[str, Any]:
    """Return OpenAI's form of a tool call."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def completion_id() -> str:
    """Return a fresh id of a completion."""
    return f"chatcmpl-{uuid.uuid4().hex}"


def _thinking(body: Mapping[str, Any]) -> bool | None:
    asked = _boolean(body, "enable_thinking")
    effort = _text(body, "reasoning_effort")
    if effort is not None and effort not in THINKS_AT_EFFORT:
        raise RequestError(f"reasoning_effort must be one of {', '.join(THINKS_AT_EFFORT)}.", param="reasoning_effort")
    return THINKS_AT_EFFORT[effort] if asked is None and effort is not None else asked


def _stop(value: Any) -> tuple[str, ...]:
    sequences = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(sequences, list) or not all(isinstance(sequence, str) for sequence in sequences):
        raise RequestError("stop must be a string or an array of strings.", param="stop")
    if len(sequences) > MAX_STOP_SEQUENCES:
        raise RequestError(f"stop may name at most {MAX_STOP_SEQUENCES} sequences.", param="stop")
    return tuple(sequence for sequence in sequences if sequence)


def _max_tokens(body: Mapping[str, Any]) -> int | None:
    newer = _integer(body, "max_completion_tokens", least=1)
    return newer if newer is not None else _integer(body, "max_tokens", least=1)


def _integer(body: Mapping[str, Any], name: str, *, least: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise RequestError(f"{name} must be a whole number of at least {least}.", param=name)
    return value


def _boolean(body: Mapping[str, Any], name: str) -> bool | None:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise RequestError(f"{name} must be true or false.", param=name)
    return value


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{name} must be a string.", param=name)
    return value or None


def _printable(names: tuple[str, ...]) -> tuple[str, ...]:
    # They end up in a header of the answer: only what is a plain parameter name may get there.
    return tuple(name for name in names if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name))[:50]
