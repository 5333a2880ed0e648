"""Translate Anthropic's content blocks into parts of neutral messages. Pure; part of messages.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qwenproxy.api.fields import json_text, read_object, read_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.chat import FilePart, ImagePart, Part, TextPart, ToolCall
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.uploads.file_types import clean_name

# What a model thought and found before does not belong to the question: its answers hold what came of it.
PASSED_OVER = frozenset(
    {"thinking", "redacted_thinking", "server_tool_use", "web_search_tool_result", "web_search_tool_result_error"}
)
FAILED = "The call failed:"

Block = Mapping[str, Any]


def read_blocks(value: Any, where: str) -> list[Block]:
    """Return a content as blocks: it may be a text, an array of blocks, or missing. Raises RequestError."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [{"type": "text", "text": value}]
    if not isinstance(value, list):
        raise RequestError(f"{where} must be a string or an array of content blocks.", param=where)
    for index, block in enumerate(value):
        if not isinstance(block, Mapping) or not isinstance(block.get("type", ""), str):
            raise RequestError(f"{where}.{index} must be an object with a type.", param=f"{where}.{index}")
    return value


def parts_of(blocks: Sequence[Block], where: str, ignored: Ignored) -> tuple[Part, ...]:
    """Translate blocks. Those of an unknown type are left out and named. Raises RequestError, UnsupportedParameter."""
    return tuple(part for index, block in enumerate(blocks) for part in _parts(block, f"{where}.{index}", ignored))


def call_of(block: Block, where: str, place: int) -> ToolCall:
    """Translate a `tool_use` block; one without an id gets one from its place. Raises RequestError."""
    name = read_text(block, "name", within=f"{where}.")
    if not name:
        raise RequestError(f"{where}.name is missing.", param=f"{where}.name")
    arguments = block.get("input")
    if not isinstance(arguments, str):
        arguments = json_text({} if arguments is None else arguments, f"{where}.input")
    return ToolCall(read_text(block, "id", within=f"{where}.") or f"call_{place}", name, arguments)


def result_of(block: Block, where: str, ignored: Ignored) -> tuple[Part, ...]:
    """Translate what a `tool_result` holds; a failure says so. Raises RequestError, UnsupportedParameter."""
    parts = parts_of(read_blocks(block.get("content"), f"{where}.content"), f"{where}.content", ignored)
    return (TextPart(FAILED), *parts) if block.get("is_error") is True else parts


def _parts(block: Block, where: str, ignored: Ignored) -> Iterator[Part]:
    kind = block.get("type") or "text"
    if kind == "text":
        yield TextPart(_text(block, "text", where))
    elif kind == "image":
        yield ImagePart(_address(_source(block, where), f"{where}.source"))
    elif kind == "document":
        yield from _document(block, where, ignored)
    elif kind == "search_result":
        head = [text for text in (read_text(block, "title"), read_text(block, "source")) if text]
        yield from map(TextPart, head)
        yield from parts_of(read_blocks(block.get("content"), where), where, ignored)
    elif kind == "tool_reference":
        yield TextPart(f"Tool found: {_text(block, 'tool_name', where)}")
    elif kind not in PASSED_OVER:
        ignored.add("messages", "content", kind)


def _document(block: Block, where: str, ignored: Ignored) -> Iterator[Part]:
    """Yield a document: a text with title and context before it, or a file."""
    title, context = (read_text(block, name, within=f"{where}.") for name in ("title", "context"))
    source = _source(block, where)
    kind = source.get("type")
    if kind in ("text", "content"):
        yield from (TextPart(text) for text in (title, context) if text)
        if kind == "text":
            yield TextPart(_text(source, "data", f"{where}.source"))
        else:
            inside = f"{where}.source.content"
            yield from parts_of(read_blocks(source.get("content"), inside), inside, ignored)
        return
    if context:
        yield TextPart(context)
    yield FilePart(_address(source, f"{where}.source"), clean_name(title) if title else None)


def _source(block: Block, where: str) -> Block:
    source = read_object(block, "source", within=f"{where}.")
    if not source:
        raise RequestError(f"{where}.source is missing.", param=f"{where}.source")
    return source


def _address(source: Block, where: str) -> str:
    """Return the URL of an image or a file; base64 becomes a data: URL."""
    kind = source.get("type")
    if kind == "base64":
        media_type = read_text(source, "media_type", within=f"{where}.") or ""
        return f"data:{media_type};base64,{_text(source, 'data', where)}"
    if kind == "url":
        return _text(source, "url", where).strip()
    raise UnsupportedParameter(
        f"{where}.type must be base64 or url: there is no Files API here.", param=f"{where}.type"
    )


def _text(block: Block, name: str, where: str) -> str:
    value = block.get(name)
    if not isinstance(value, str) or (not value and name != "text"):
        raise RequestError(f"{where}.{name} must be a string and not empty.", param=f"{where}.{name}")
    return value
