"""Translate the body of OpenAI's chat completion into a ChatRequest. Pure.

Fields that we cannot honour are named; a field is refused if its silent loss would mislead (contract 4.2 and 7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwenproxy.api import documents, searching, thinking
from qwenproxy.api.bounds import read_limit, read_stop
from qwenproxy.api.fields import read_flag, read_object, read_text, read_whole
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai import tools as openai_tools
from qwenproxy.api.openai.messages import parse_messages
from qwenproxy.chat import ChatRequest
from qwenproxy.errors import UnsupportedParameter

HONOURED = (
    frozenset(
        {"messages", "model", "stream", "stream_options", "stop", "max_tokens", "max_completion_tokens", "n"},
    )
    | openai_tools.FIELDS
    | documents.FIELDS
    | searching.FIELDS
    | thinking.FIELDS
)


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A parsed body: the neutral request, and the form of the answer.

    `legacy` sends tool calls as `function_call`; `ignored` names the fields without effect.
    """

    chat: ChatRequest
    ignored: Ignored
    include_usage: bool = False
    legacy: bool = False


def parse_chat_request(body: Mapping[str, Any]) -> CompletionRequest:
    """Translate the body of POST /v1/chat/completions. Raises RequestError, UnsupportedParameter naming the field."""
    ignored = Ignored()
    refuse_losses(body)
    search, body = searching.take_search(body, ignored)
    offer = openai_tools.parse_offer(body, ignored)
    thinks, budget = thinking.parse_thinking(body, ignored)
    chat = ChatRequest(
        messages=parse_messages(body.get("messages"), ignored),
        model=read_text(body, "model"),
        thinking=thinks,
        thinking_budget=budget,
        stop=read_stop(body),
        max_tokens=_max_tokens(body),
        tools=offer.tools,
        tool_choice=offer.choice,
        parallel_calls=offer.parallel,
        document=documents.parse_response_format(body),
        search=search,
        streamed=bool(read_flag(body, "stream")),
    )
    include_usage = bool(read_flag(read_object(body, "stream_options"), "include_usage"))
    ignored.add_fields(body, HONOURED)
    return CompletionRequest(chat, ignored, include_usage, offer.legacy)


_REFUSED: Mapping[str, Callable[[Any], bool]] = {
    "logprobs": bool,
    "top_logprobs": lambda value: isinstance(value, int | float) and value > 0,
    "logit_bias": bool,
    "modalities": lambda value: isinstance(value, list) and "audio" in value,
    "audio": bool,
}


def refuse_losses(body: Mapping[str, Any], numbers: Sequence[str] = ("n",)) -> None:
    """Refuse fields that the site cannot serve and whose loss a client would not see; `numbers` count answers.

    Raises RequestError, UnsupportedParameter.
    """
    for name in numbers:
        if read_whole(body, name) not in (None, 1):
            raise UnsupportedParameter(f"{name} must be 1, because a request gets one answer.", param=name)
    for name, asks in _REFUSED.items():
        if asks(body.get(name)):
            raise UnsupportedParameter(f"The Qwen chat site does not support {name}. Leave it out.", param=name)


def _max_tokens(body: Mapping[str, Any]) -> int | None:
    newer = read_limit(body, "max_completion_tokens")
    return newer if newer is not None else read_limit(body, "max_tokens")
