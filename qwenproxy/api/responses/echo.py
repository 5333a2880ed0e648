"""What a response repeats of its request, each field with its default, as clients require all of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from qwenproxy.api.fields import read_text
from qwenproxy.errors import RequestError

MAX_PAIRS, MAX_KEY, MAX_VALUE = 16, 64, 512


def echo_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a body whose types are right. Raises RequestError for what cannot be repeated."""
    text, reasoning = _object(body.get("text")), body.get("reasoning")
    echo = {
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "previous_response_id": body.get("previous_response_id"),
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_tool(each) for each in body.get("tools") or () if isinstance(each, Mapping)],
        "text": {**text, "format": _format(text.get("format"))},
        "reasoning": _reasoning(reasoning) if isinstance(reasoning, Mapping) else None,
        "truncation": _truncation(body),
        "temperature": _number(body.get("temperature"), 1.0),
        "top_p": _number(body.get("top_p"), 1.0),
        "presence_penalty": _number(body.get("presence_penalty"), 0.0),
        "frequency_penalty": _number(body.get("frequency_penalty"), 0.0),
        "top_logprobs": 0,
        "store": body.get("store") is not False,
        "background": body.get("background") is True,
        "service_tier": "default",
        "metadata": read_metadata(body.get("metadata")),
        "safety_identifier": read_text(body, "safety_identifier"),
        "prompt_cache_key": read_text(body, "prompt_cache_key"),
        "user": read_text(body, "user"),
    }
    for name, value in echo.items():
        _check(name, value)
    return echo


def _check(name: str, value: Any) -> None:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise RequestError(f"{name} is nested too deeply, or has a number that is too large.", param=name) from None


def read_metadata(value: Any) -> dict[str, str]:
    """Return the pairs that a client attaches to an object, none if the field is missing. Raises RequestError."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_PAIRS:
        raise RequestError(f"metadata must be an object of at most {MAX_PAIRS} pairs.", param="metadata")
    for key, text in value.items():
        if len(key) > MAX_KEY or not isinstance(text, str) or len(text) > MAX_VALUE:
            raise RequestError(
                f"metadata maps keys of at most {MAX_KEY} characters to strings of at most {MAX_VALUE}.",
                param="metadata",
            )
    return value


def _truncation(body: Mapping[str, Any]) -> str:
    value = body.get("truncation") or "disabled"
    if value not in ("auto", "disabled"):
        raise RequestError("truncation must be auto or disabled.", param="truncation")
    return str(value)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool.get("type", "function") != "function":
        return dict(tool)
    inner = _object(tool.get("function")) or tool
    empty = {"description": None, "parameters": None, "strict": None}
    return {**empty, **inner, "type": "function"}


def _format(value: Any) -> dict[str, Any]:
    form = _object(value) or {"type": "text"}
    if form.get("type") != "json_schema":
        return form
    return {"name": "", "description": None, "schema": None, "strict": None, **form}


def _reasoning(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**value, "effort": value.get("effort"), "summary": value.get("summary") or value.get("generate_summary")}


def _number(value: Any, default: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def _object(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
