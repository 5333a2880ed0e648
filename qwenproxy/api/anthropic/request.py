"""Translate the body of Anthropic's messages into a ChatRequest. Pure.

Fields that we cannot honour are named; a field is refused if its silent loss would mislead (contract 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from qwenproxy.api import documents, searching, thinking
from qwenproxy.api.anthropic import tools
from qwenproxy.api.anthropic.format import THREAD
from qwenproxy.api.anthropic.messages import parse_messages, parse_system
from qwenproxy.api.bounds import read_limit, read_stop
from qwenproxy.api.fields import read_flag, read_object, read_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.chat import ChatRequest
from qwenproxy.errors import RequestError, UnsupportedParameter

HONOURED = (
    frozenset({"messages", "system", "model", "stream", "stop_sequences", "max_tokens"})
    | tools.FIELDS
    | documents.FIELDS
    | searching.FIELDS
    | thinking.FIELDS
)

# Whether thoughts are sent: not at all, with their text, or as a block without text.
Thoughts = Literal["hidden", "shown", "omitted"]


@dataclass(frozen=True, slots=True)
class MessageRequest:
    """A parsed body: the neutral request, and the form of the answer. `only_warms_up` asks for no answer at all."""

    chat: ChatRequest
    ignored: Ignored
    thoughts: Thoughts = "hidden"
    only_warms_up: bool = False


def parse_message_request(body: Mapping[str, Any]) -> MessageRequest:
    """Translate the body of POST /v1/messages. Raises RequestError, UnsupportedParameter naming the field."""
    message = parse_question(body)
    if body.get("max_tokens") is None:
        raise RequestError("max_tokens is missing: say how many tokens the answer may have.", param="max_tokens")
    is_empty = body["max_tokens"] == 0 and not isinstance(body["max_tokens"], bool)
    chat = replace(
        message.chat,
        stop=read_stop(body, "stop_sequences"),
        max_tokens=None if is_empty else read_limit(body, "max_tokens"),
        streamed=bool(read_flag(body, "stream")),
    )
    return replace(message, chat=chat, thoughts=_thoughts(body), only_warms_up=is_empty)


def parse_question(body: Mapping[str, Any]) -> MessageRequest:
    """Translate what a body asks, without how much may come back. Raises RequestError, UnsupportedParameter."""
    if body.get(THREAD) is not None:
        raise UnsupportedParameter(f"{THREAD}: not supported", param=THREAD)
    ignored = Ignored()
    search, body = searching.take_search(body, ignored)
    offer = tools.parse_tools(body, ignored)
    thinks, budget = thinking.parse_thinking(body, ignored)
    chat = ChatRequest(
        messages=(*parse_system(body.get("system"), ignored), *parse_messages(body.get("messages"), ignored)),
        model=read_text(body, "model"),
        thinking=thinks,
        thinking_budget=budget,
        tools=offer.tools,
        tool_choice=offer.choice,
        parallel_calls=offer.parallel,
        document=documents.parse_response_format(body),
        search=search,
    )
    ignored.add_fields(body, HONOURED)
    return MessageRequest(chat, ignored)


def _thoughts(body: Mapping[str, Any]) -> Thoughts:
    """Return whether the client wants to see thoughts: an effort alone does not say so."""
    asks, _ = thinking.parse_thinking({**body, "output_config": None}, Ignored())
    if not asks:
        return "hidden"
    value = body.get("thinking")
    display = read_object(body, "thinking").get("display") if isinstance(value, Mapping) else None
    return "omitted" if display == "omitted" else "shown"
