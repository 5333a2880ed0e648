"""Errors in the form of the Responses API, as its clients act on them: before the stream, and inside it. Pure.

OpenAI's own programs decide by the code whether they try again, wait, or tell the person.
"""

from __future__ import annotations

import math
import time
from typing import Any

from qwenproxy.api.openai.format import openai_error
from qwenproxy.api.waits import is_long_wait, message_for_client
from qwenproxy.errors import ContentFilter, ContextLengthExceeded, ProxyError, RequestError

_BUSY = ("rate_limited", "queue_timeout")


def error_object(error: ProxyError) -> dict[str, Any]:
    """Return the answer for an error before the stream; one of a used-up quota says when that resets."""
    answer = openai_error(error)
    fields = answer["error"]
    if error.param == "messages":
        fields["param"] = "input"
    if error.status == 429 and error.retry_after is not None and is_long_wait(error):
        # Otherwise Codex obeys Retry-After in silence, however long it is.
        fields |= {"type": "usage_limit_reached", "resets_at": math.ceil(time.time() + error.retry_after)}
    return answer


def failed_error(error: ProxyError) -> dict[str, str]:
    """Return the `error` of a response that failed, with a code of OpenAI's."""
    message = message_for_client(error)
    if error.code in _BUSY and error.retry_after is not None and not is_long_wait(error):
        # Codex reads the time from these words.
        message = f"{message.rstrip()} Please try again in {max(1, math.ceil(error.retry_after))}s."
    return {"code": _code(error), "message": message}


def error_event(error: ProxyError) -> dict[str, Any]:
    """Return the event of an error, in the forms of OpenAI's libraries and of Open Responses at once."""
    fields = error_object(error)["error"]
    flat = {name: fields[name] for name in ("code", "message", "param")}
    return {"type": "error", **flat, "error": fields}


def _code(error: ProxyError) -> str:
    if isinstance(error, ContextLengthExceeded):
        return "context_length_exceeded"
    if isinstance(error, ContentFilter | RequestError):
        return "invalid_prompt"
    if error.code in _BUSY:
        # Of a short wait, Codex tries again; of a long one it tells the person at once.
        return "insufficient_quota" if is_long_wait(error) else "rate_limit_exceeded"
    return "server_error"
