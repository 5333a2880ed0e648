"""Translate the body of a legacy completion into a ChatRequest. Pure.

The site answers messages and does not continue texts, so a system message asks the model to continue the prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qwenproxy.api import thinking
from qwenproxy.api.bounds import read_limit, read_stop
from qwenproxy.api.fields import read_flag, read_object, read_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai.request import refuse_losses
from qwenproxy.chat import ChatRequest, Message, TextPart
from qwenproxy.errors import RequestError, UnsupportedParameter

HONOURED = (
    frozenset({"prompt", "suffix", "model", "stream", "stream_options", "stop", "max_tokens", "n", "best_of", "echo"})
    | thinking.FIELDS
)
DEFAULT_MAX_TOKENS = 16  # as OpenAI's
GO_ON = (
    "Continue the user's text from exactly where it ends. Write only what comes next: no introduction, no repetition "
    "of the text, no quotation marks, no code fence around it."
)
GO_ON_UNTIL = "Your words stand between that text and the following one, so write only what belongs between them:\n"


@dataclass(frozen=True, slots=True)
class TextRequest:
    """A parsed body: the neutral request, and the form of the answer. `echo` is the text to send before it."""

    chat: ChatRequest
    ignored: Ignored
    echo: str = ""
    include_usage: bool = False


def parse_completion(body: Mapping[str, Any]) -> TextRequest:
    """Translate the body of POST /v1/completions. Raises RequestError, UnsupportedParameter naming the field."""
    ignored = Ignored()
    refuse_losses(body, ("n", "best_of"))
    if body.get("logprobs") is not None:
        raise UnsupportedParameter("The Qwen chat site gives no logprobs; leave it out.", param="logprobs")
    prompt, suffix = _prompt(body.get("prompt")), read_text(body, "suffix")
    thinks, budget = thinking.parse_thinking(body, ignored)
    limit = read_limit(body, "max_tokens")
    chat = ChatRequest(
        messages=(Message("system", (TextPart(going_on(suffix)),)), Message("user", (TextPart(prompt),))),
        model=read_text(body, "model"),
        thinking=thinks,
        thinking_budget=budget,
        stop=read_stop(body),
        max_tokens=DEFAULT_MAX_TOKENS if body.get("max_tokens") is None else limit,
        streamed=bool(read_flag(body, "stream")),
    )
    echo = prompt if read_flag(body, "echo") else ""
    include_usage = bool(read_flag(read_object(body, "stream_options"), "include_usage"))
    ignored.add_fields(body, HONOURED)
    return TextRequest(chat, ignored, echo, include_usage)


def going_on(suffix: str | None) -> str:
    """Return the system text that asks the model to continue a text, up to `suffix` if there is one."""
    return f"{GO_ON} {GO_ON_UNTIL}{suffix}" if suffix else GO_ON


def _prompt(value: Any) -> str:
    """Return the text to continue: a string, or an array of one string."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list) and all(isinstance(each, str) for each in value) and value:
        raise UnsupportedParameter("prompt may hold only one text. Send one request for each.", param="prompt")
    if isinstance(value, list | int) and not isinstance(value, bool) and value != []:
        raise UnsupportedParameter("prompt must be a text. Tokens are not supported.", param="prompt")
    if not isinstance(value, str) or not value.strip():
        raise RequestError("prompt must be a text and not blank.", param="prompt")
    return value
