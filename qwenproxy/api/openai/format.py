"""OpenAI's objects: completions, counts, tool calls, errors. Pure.

Knows no Flask and no site. The shapes are those of the OpenAI API reference; request.py reads requests.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qwenproxy.api.waits import message_for_client
from qwenproxy.chat import Citation, Tool, ToolCall, Usage
from qwenproxy.errors import ProxyError
from qwenproxy.history.messages import tool_call_object
from qwenproxy.observe.logs import request_id

if TYPE_CHECKING:
    from qwenproxy.history.runs import Run


def completion_object(run: Run, *, legacy: bool = False) -> dict[str, Any]:
    """Return the `chat.completion` of a complete answer; a `legacy` one has at most one tool call."""
    answer = run.answer
    reason = finish_reason(answer.finish_reason or "stop", legacy=legacy)
    choice = {"index": 0, "message": _message(run, legacy=legacy), "logprobs": None, "finish_reason": reason}
    return {
        "id": completion_id(),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": run.model,
        "choices": [choice],
        "usage": usage_object(answer.counts(run.chat)),
    }


def openai_error(error: ProxyError) -> dict[str, Any]:
    """Return OpenAI's error object."""
    message = message_for_client(error)
    fields = {"message": message, "type": error.type, "param": error.param, "code": error.code}
    return {"error": {**fields, "request_id": request_id.get()}}


def usage_object(usage: Usage) -> dict[str, Any]:
    """Return OpenAI's `usage` from the site's counts."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def function_call_object(call: ToolCall) -> dict[str, Any]:
    """Return OpenAI's older form of a tool call."""
    return {"name": call.name, "arguments": call.arguments}


def call_object(call: ToolCall, tools: Sequence[Tool]) -> dict[str, Any]:
    """Return OpenAI's form of a tool call, which depends on the kind of the tool."""
    tool = next((each for each in tools if each.name == call.name), None)
    if tool is None or not (tool.freeform or tool.namespace):
        return tool_call_object(call)
    name = call.name.removeprefix(f"{tool.namespace}__")
    space = {"namespace": tool.namespace} if tool.namespace else {}
    if tool.freeform:
        return {"id": call.id, "type": "custom", "custom": {"name": name, **space, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": name, **space, "arguments": call.arguments}}


def annotation_object(citation: Citation) -> dict[str, Any]:
    """Return OpenAI's `url_citation`; its places count code points of the content."""
    source = citation.source
    place = {"start_index": citation.start, "end_index": citation.end}
    return {"type": "url_citation", "url_citation": {**place, "url": source.url, "title": source.title or source.url}}


def finish_reason(reason: str, *, legacy: bool) -> str:
    """Return OpenAI's word for the end of an answer."""
    return "function_call" if legacy and reason == "tool_calls" else reason


def completion_id() -> str:
    """Return a new id for a completion."""
    return f"chatcmpl-{uuid.uuid4().hex}"


def _message(run: Run, *, legacy: bool) -> dict[str, Any]:
    answer = run.answer
    content = answer.text
    message: dict[str, Any] = {"role": "assistant", "content": content or (None if answer.tool_calls else "")}
    if reasoning := answer.reasoning:
        message["reasoning_content"] = reasoning
    if answer.citations:
        message["annotations"] = [annotation_object(citation) for citation in answer.citations]
    if answer.tool_calls and legacy:
        message["function_call"] = function_call_object(answer.tool_calls[0])
    elif answer.tool_calls:
        message["tool_calls"] = [call_object(call, run.chat.tools) for call in answer.tool_calls]
    return message
