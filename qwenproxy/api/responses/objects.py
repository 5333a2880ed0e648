"""The objects of the Responses API: the response with all its fields, the items of its output, its counts. Pure.

request.py says what a response repeats of its request, output.py makes items from events.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from qwenproxy.chat import Citation, SearchResult, Tool, Usage
from qwenproxy.uploads.file_types import image_type

Item = dict[str, Any]


def new_id(prefix: str) -> str:
    """Return a new id, such as `resp_...`."""
    return f"{prefix}_{uuid.uuid4().hex}"


def response_object(
    identity: Mapping[str, Any], echo: Mapping[str, Any], status: str, output: Sequence[Item], **more: Any
) -> dict[str, Any]:
    """Return a response; `identity` has its id, time and model, `echo` what its request said, `more` what is known."""
    return {
        "object": "response",
        **identity,
        "status": status,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "output": list(output),
        "usage": None,
        **echo,
        **more,
    }


def usage_object(usage: Usage) -> dict[str, Any]:
    """Return the counts of a response."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def message_item(item_id: str, status: str, content: Sequence[Item]) -> Item:
    """Return a message of the assistant."""
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": list(content)}


def text_part(text: str, annotations: Sequence[Item] = ()) -> Item:
    """Return a text of a message."""
    return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": []}


def annotation_object(citation: Citation, before: int) -> Item:
    """Return a citation; its places count code points of the message, which begins after `before` of the answer."""
    source = citation.source
    return {
        "type": "url_citation",
        "start_index": citation.start - before,
        "end_index": citation.end - before,
        "url": source.url,
        "title": source.title or source.url,
    }


def reasoning_item(item_id: str, status: str, summary: Sequence[Item], sealed: str | None) -> Item:
    """Return the thoughts of a model, as a summary."""
    item = {"id": item_id, "type": "reasoning", "status": status, "summary": list(summary)}
    return item if sealed is None else {**item, "encrypted_content": sealed}


def call_item(item_id: str, status: str, call_id: str, tool: Tool, arguments: str) -> Item:
    """Return a call of a tool, whose name the client knows without its namespace."""
    space = {"namespace": tool.namespace} if tool.namespace else {}
    name = tool.name.removeprefix(f"{tool.namespace}__") if tool.namespace else tool.name
    head = {"id": item_id, "status": status, "call_id": call_id, "name": name, **space}
    if tool.freeform:
        return {**head, "type": "custom_tool_call", "input": arguments}
    return {**head, "type": "function_call", "arguments": arguments}


def search_item(item_id: str, status: str, queries: Sequence[str], pages: Sequence[SearchResult] | None) -> Item:
    """Return a web search; None for `pages` names no sources."""
    action: Item = {"type": "search", "query": queries[0] if queries else "", "queries": list(queries)}
    if pages is not None:
        action["sources"] = [{"type": "url", "url": page.url} for page in pages if page.url]
    return {"id": item_id, "type": "web_search_call", "status": status, "action": action}


def picture_item(item_id: str, status: str, data: bytes | None, size: str = "") -> Item:
    """Return a picture that was painted, `data` is its file; None while it is being painted."""
    item: Item = {"id": item_id, "type": "image_generation_call", "status": status, "result": None}
    if data is None:
        return item
    content_type = image_type(data) or "image/png"
    sized = {"size": size} if size else {}
    form = content_type.removeprefix("image/")
    return {**item, "result": base64.b64encode(data).decode(), "output_format": form, **sized}


def compaction_item(sealed: str) -> Item:
    """Return what stands for the conversation so far; only this server can read it."""
    return {"id": new_id("cmp"), "type": "compaction", "encrypted_content": sealed}
