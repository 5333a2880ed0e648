"""Translate the bodies of Ollama's POST /api/chat and POST /api/generate into a ChatRequest. Pure.

Messages are put into OpenAI's form, whose reader then reads them, so that both APIs ask the site the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qwenproxy.api import searching, thinking
from qwenproxy.api.bounds import read_stop
from qwenproxy.api.completions.request import going_on
from qwenproxy.api.documents import read_schema
from qwenproxy.api.fields import read_flag, read_object, read_text, read_whole
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai import tools as openai_tools
from qwenproxy.api.openai.messages import parse_messages
from qwenproxy.api.openai.request import refuse_losses
from qwenproxy.chat import ChatRequest, Document
from qwenproxy.errors import RequestError, UnsupportedParameter

_SHARED = (
    frozenset({"model", "stream", "options", "format", "keep_alive"})
    | openai_tools.FIELDS
    | searching.FIELDS
    | thinking.FIELDS
)
CHAT_FIELDS = _SHARED | {"messages"}
GENERATE_FIELDS = _SHARED | {"prompt", "suffix", "system", "raw", "images", "context"}
_HONOURED_OPTIONS = frozenset({"num_predict", "stop"})
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_NO_TIME = re.compile(r"0+(\.0*)?(ns|us|µs|ms|s|m|h)?")


@dataclass(frozen=True, slots=True)
class OllamaRequest:
    """A parsed body. `chat` None asks for no answer, but to load a model, or to `unload` it."""

    model: str
    chat: ChatRequest | None
    ignored: Ignored
    streamed: bool
    unload: bool = False


def parse_chat(body: Mapping[str, Any]) -> OllamaRequest:
    """Translate the body of POST /api/chat. Raises RequestError, UnsupportedParameter naming the field."""
    messages = body.get("messages")
    if messages is not None and not isinstance(messages, list):
        raise RequestError("messages must be an array.", param="messages")
    if not messages:
        return _loading(body, CHAT_FIELDS)
    return _asking(body, [_openai_message(each) for each in messages], CHAT_FIELDS)


def parse_generate(body: Mapping[str, Any]) -> OllamaRequest:
    """Translate the body of POST /api/generate. Raises RequestError, UnsupportedParameter naming the field."""
    prompt, suffix, system = (read_text(body, name) for name in ("prompt", "suffix", "system"))
    if body.get("context"):
        raise UnsupportedParameter(
            "context is not supported, because it holds the tokens of another server. Send the conversation to "
            "/api/chat.",
            param="context",
        )
    if not (prompt or suffix):
        return _loading(body, GENERATE_FIELDS)
    # A raw prompt is no message either: the model sees nothing before it and goes on with it.
    goes_on = suffix is not None or read_flag(body, "raw")
    systems = [text for text in (system, going_on(suffix) if goes_on else None) if text]
    user = {"role": "user", "content": prompt or "", "images": body.get("images")}
    messages = [*({"role": "system", "content": text} for text in systems), _openai_message(user)]
    return _asking(body, messages, GENERATE_FIELDS)


def read_model(body: Mapping[str, Any]) -> str:
    """Return the name of the model, in the older field `name`, too. Raises RequestError."""
    name = read_text(body, "model") or read_text(body, "name")
    if not name or not name.strip():
        raise RequestError("model is required", param="model")
    return name


def _asking(body: Mapping[str, Any], messages: list[Any], honoured: frozenset[str]) -> OllamaRequest:
    ignored = Ignored()
    model, streamed, options = read_model(body), _is_streamed(body), read_object(body, "options")
    refuse_losses(body, ())
    search, body = searching.take_search(body, ignored)
    offer = openai_tools.parse_offer(body, ignored)
    thinks, budget = thinking.parse_thinking(body, ignored)
    chat = ChatRequest(
        messages=parse_messages(messages, ignored),
        model=model,
        thinking=thinks,
        thinking_budget=budget,
        stop=read_stop(options, within="options."),
        max_tokens=_max_tokens(options),
        tools=offer.tools,
        tool_choice=offer.choice,
        parallel_calls=offer.parallel,
        document=_document(body.get("format")),
        search=search,
        streamed=streamed,
    )
    ignored.add_fields(options, _HONOURED_OPTIONS, "options")
    ignored.add_fields(body, honoured)
    return OllamaRequest(model, chat, ignored, streamed)


def _loading(body: Mapping[str, Any], honoured: frozenset[str]) -> OllamaRequest:
    ignored = Ignored()
    ignored.add_fields(body, honoured)
    return OllamaRequest(read_model(body), None, ignored, _is_streamed(body), _unloads(body.get("keep_alive")))


def _is_streamed(body: Mapping[str, Any]) -> bool:
    return read_flag(body, "stream") is not False


def _unloads(keep_alive: Any) -> bool:
    """Tell whether a time, in seconds or with a unit, is none."""
    is_number = isinstance(keep_alive, int | float) and not isinstance(keep_alive, bool)
    return keep_alive == 0 if is_number else bool(isinstance(keep_alive, str) and _NO_TIME.fullmatch(keep_alive))


def _max_tokens(options: Mapping[str, Any]) -> int | None:
    """Return the limit. Ollama's -1 and -2 are no limit, and so is 0."""
    value = options.get("num_predict")
    has_no_limit = isinstance(value, int | float) and not isinstance(value, bool) and value <= 0
    return None if has_no_limit else read_whole(options, "num_predict", within="options.")


def _document(value: Any) -> Document | None:
    if value is None or value == "":
        return None
    if value == "json":
        return Document()
    if not isinstance(value, Mapping):
        raise RequestError('format must be "json" or a JSON schema.', param="format")
    return Document(read_schema(value, "format"))


def _openai_message(value: Any) -> Any:
    """Return a message in OpenAI's form; the reader of that form refuses what is no message."""
    if not isinstance(value, Mapping):
        return value
    images = value.get("images") or []
    if not isinstance(images, list) or not all(isinstance(each, str) for each in images):
        raise RequestError("images must be an array of base64 texts.", param="images")
    message = {name: each for name, each in value.items() if name not in ("images", "tool_name")}
    if value.get("tool_name"):
        message["name"] = value["tool_name"]
    if images:
        text = value.get("content")
        texts = text if isinstance(text, list) else [{"type": "text", "text": text}] if text else []
        message["content"] = [*texts, *({"type": "image_url", "image_url": _image_url(each)} for each in images)]
    return message


def _image_url(image: str) -> str:
    return image if _SCHEME.match(image) else f"data:;base64,{image}"
