"""Gemini's objects: candidates, counts, calls, errors. Pure. Knows no Flask and no site.

The shapes are those of the Gemini API reference and of its SDKs; request.py reads requests.
"""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING, Any

import orjson

from qwenproxy.api.gemini.grounding import grounding_metadata
from qwenproxy.api.waits import message_for_client
from qwenproxy.chat import ToolCall, Usage
from qwenproxy.errors import ContextLengthExceeded, ProxyError
from qwenproxy.observe.logs import request_id

if TYPE_CHECKING:
    from qwenproxy.history.kept_answer import KeptAnswer

FINISH_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}
STATUSES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    405: "UNIMPLEMENTED", 413: "INVALID_ARGUMENT", 415: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED", 500: "INTERNAL", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip
_TYPE = "type.googleapis.com/google.rpc."


def gemini_error(error: ProxyError) -> dict[str, Any]:
    """Return Google's error object, with the details that its clients act on."""
    details: list[dict[str, Any]] = [
        {"@type": f"{_TYPE}ErrorInfo", "reason": error.code.upper(), "domain": "qwenproxy"},
        {"@type": f"{_TYPE}RequestInfo", "requestId": request_id.get()},
    ]
    if error.param is not None:
        violation = {"field": error.param, "description": error.client_message}
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]})
    if error.retry_after is not None:
        delay = f"{max(1, math.ceil(error.retry_after))}s"
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": delay})
    status = STATUSES.get(error.status, "UNKNOWN")
    return {"error": {"code": error.status, "message": _message(error), "status": status, "details": details}}


def _message(error: ProxyError) -> str:
    if isinstance(error, ContextLengthExceeded):
        return (
            f"The input token count ({error.tokens}) exceeds the maximum number of tokens allowed ({error.maximum}). "
            "Please reduce the length of the contents."
        )
    return message_for_client(error)


def usage_metadata(usage: Usage) -> dict[str, Any]:
    """Return Gemini's counts; unlike the site's its `candidatesTokenCount` leaves the thoughts out."""
    return {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": max(0, usage.output_tokens - usage.reasoning_tokens),
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
        **({"thoughtsTokenCount": usage.reasoning_tokens} if usage.reasoning_tokens else {}),
        **({"cachedContentTokenCount": usage.cached_tokens} if usage.cached_tokens else {}),
    }


def head(answer: KeptAnswer) -> dict[str, str]:
    """Return the fields that all parts of one answer share."""
    return {"modelVersion": answer.run.model, "responseId": uuid.uuid4().hex}


def candidate(parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the candidate with these parts; a request has no other."""
    return {"content": {"parts": parts, "role": "model"}, "index": 0, **more}


def call_part(call: ToolCall) -> dict[str, Any]:
    """Return the part with a call."""
    return {"functionCall": {"id": call.id, "name": call.name, "args": _arguments(call.arguments)}}


def thought_part(text: str) -> dict[str, Any]:
    """Return the part with text of the model's thinking."""
    return {"text": text, "thought": True}


def final_fields(answer: KeptAnswer, part_index: int = 0) -> dict[str, Any]:
    """Return what a candidate has at the end of an answer; `part_index` is the place of its text among its parts."""
    grounding = grounding_metadata(answer.run.answer, part_index)
    return {
        "finishReason": FINISH_REASONS[answer.run.answer.finish_reason or "stop"],
        **({"groundingMetadata": grounding} if grounding else {}),
    }


def _arguments(text: str) -> dict[str, Any]:
    """Return the arguments of a call, which the pipeline has checked."""
    value = orjson.loads(text) if text.strip() else {}
    return value if isinstance(value, dict) else {"value": value}
