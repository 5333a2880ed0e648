"""Anthropic's objects: errors, ids, counts, sources of a search; and the frames of its streams. Knows no site.

The shapes are those of Anthropic's API reference; request.py reads requests.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from qwenproxy.api.anthropic_headers import anthropic_id
from qwenproxy.api.sse import named_frame
from qwenproxy.api.waits import message_for_client
from qwenproxy.chat import Citation, Finish, SearchResult, Usage
from qwenproxy.errors import ContextLengthExceeded, ProxyError

# Clients send it back with the thoughts; nobody reads it, but an empty one makes some of them drop the answer.
SIGNATURE = "cXdlbnByb3h5"
QUOTE = 150  # characters of a page that a citation quotes
THREAD = "thread"

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}
_SERVER_ERROR = 500


def anthropic_error(error: ProxyError) -> dict[str, Any]:
    """Return Anthropic's error object."""
    kind = _TYPES.get(error.status, "api_error" if error.status >= _SERVER_ERROR else "invalid_request_error")
    body: dict[str, Any] = {"type": kind, "message": _message(error)}
    if error.code == "unsupported_parameter" and error.param == THREAD:
        # With these details Anthropic's libraries go on without a thread and send the whole conversation.
        body["details"] = {"error_code": "thread_unsupported_request", "unsupported": [THREAD]}
    return {"type": "error", "error": body, "request_id": anthropic_id()}


def _message(error: ProxyError) -> str:
    if isinstance(error, ContextLengthExceeded):
        # Claude Code compacts its conversation when it reads these words.
        return f"prompt is too long: {error.tokens} tokens > {error.maximum} maximum"
    return message_for_client(error)


PING = named_frame({"type": "ping"})


def new_id(kind: str) -> str:
    """Return a new id: `kind`, such as msg, and 24 characters."""
    return f"{kind}_{uuid.uuid4().hex[:24]}"


def message_object(message_id: str, model: str, input_tokens: int) -> dict[str, Any]:
    """Return a message that has no content so far."""
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage_object(Usage(input_tokens, 1)),
    }


def usage_object(usage: Usage, searches: int = 0) -> dict[str, Any]:
    """Return Anthropic's `usage`. Unlike ours, its input tokens are without those from a cache."""
    cached = min(usage.cached_tokens, usage.input_tokens)
    counts: dict[str, Any] = {
        "input_tokens": usage.input_tokens - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if searches:
        counts["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": 0}
    return counts


def stop_fields(finish: Finish, *, has_calls: bool) -> dict[str, Any]:
    """Return why an answer ended. Clients run its calls only if it says so, however the answer ended."""
    reasons = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
    reason = "tool_use" if has_calls else "stop_sequence" if finish.stop else reasons[finish.reason]
    return {"stop_reason": reason, "stop_sequence": finish.stop if reason == "stop_sequence" else None}


def pages_found(results: Sequence[SearchResult]) -> list[dict[str, Any]]:
    """Return the pages of a search."""
    return [
        {
            "type": "web_search_result",
            "url": page.url,
            "title": page.title or page.url,
            "encrypted_content": SIGNATURE,
            "page_age": None,
        }
        for page in results
        if page.url
    ]


def citation_object(citation: Citation) -> dict[str, Any]:
    """Return a citation of a page; its text is the beginning of what the search showed of the page."""
    page = citation.source
    return {
        "type": "web_search_result_location",
        "url": page.url,
        "title": page.title or page.url,
        "encrypted_index": SIGNATURE,
        "cited_text": page.snippet[:QUOTE],
    }
