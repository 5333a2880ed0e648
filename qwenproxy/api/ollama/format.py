"""Ollama's objects: answers, models, errors, and the lines of its streams. Pure.

The shapes are those that Ollama's own clients and others were seen to read; request.py reads requests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import orjson

from qwenproxy.api.openai.format import call_object
from qwenproxy.api.waits import message_for_client
from qwenproxy.chat import Tool, ToolCall
from qwenproxy.errors import ModelNotFound, ProxyError
from qwenproxy.observe.logs import request_id

if TYPE_CHECKING:
    from qwenproxy.upstream.models import Model

NDJSON = "application/x-ndjson"
# The version of Ollama whose API this is; programs refuse one that is too old.
VERSION = "0.23.0"
# Ollama's name for the build of a model; clients add it to names without one.
TAG = ":latest"
# Clients look up the context length as `<architecture>.context_length`.
ARCHITECTURE = "qwen3"


def line(value: dict[str, Any]) -> bytes:
    """Return the line of a stream that carries an object."""
    return orjson.dumps(value) + b"\n"


def moment(seconds: float | None = None) -> str:
    """Return a time (seconds since 1970, None: now) as Ollama writes it, in UTC."""
    when = datetime.now(timezone.utc) if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def ollama_error(error: ProxyError) -> dict[str, Any]:
    """Return Ollama's error object."""
    message = message_for_client(error)
    # Some clients look for the words.
    text = f"model not found: {message}" if isinstance(error, ModelNotFound) else message
    return {"error": text, "request_id": request_id.get()}


def tool_call_object(index: int, call: ToolCall, tools: Sequence[Tool]) -> dict[str, Any]:
    """Return Ollama's form of a tool call, whose arguments are an object; a freeform tool's text is its `input`."""
    form = call_object(call, tools)
    if "custom" in form:
        custom = form["custom"]
        return _tool_call(call.id, index, custom["name"], {"input": custom["input"]})
    return _tool_call(call.id, index, form["function"]["name"], orjson.loads(call.arguments or "{}"))


def _tool_call(call_id: str, index: int, name: str, arguments: Any) -> dict[str, Any]:
    return {"id": call_id, "function": {"index": index, "name": name, "arguments": arguments}}


def tag_object(name: str, model: Model) -> dict[str, Any]:
    """Return a model as the list has it, under `name`."""
    return {
        "name": name + TAG,
        "model": name + TAG,
        "modified_at": moment(model.created or 0),
        "size": 0,
        "digest": hashlib.sha256(model.id.encode()).hexdigest(),
        "details": _details(),
        "capabilities": _capabilities(model),
    }


def model_object(name: str, model: Model) -> dict[str, Any]:
    """Return the description of a model; leave out what the site does not say."""
    length = model.context_length
    return {
        "license": "",
        "modelfile": "",
        # Some clients read the context length here.
        "parameters": f"num_ctx {length}" if length else "",
        "template": "",
        "details": _details(),
        "model_info": {
            "general.architecture": ARCHITECTURE,
            "general.basename": name.removesuffix(TAG),
            **({f"{ARCHITECTURE}.context_length": length} if length else {}),
        },
        "capabilities": _capabilities(model),
        "modified_at": moment(model.created or 0),
    }


def _details() -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": ARCHITECTURE,
        "families": [ARCHITECTURE],
        "parameter_size": "",
        "quantization_level": "",
    }


def _capabilities(model: Model) -> list[str]:
    able = {"completion": True, "tools": True, "vision": model.vision, "thinking": model.thinking}
    return [name for name, is_able in able.items() if is_able]
