"""Translate Anthropic's conversation, `system` and `messages`, into neutral messages. Pure; part of request.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from qwenproxy.api.anthropic.blocks import Block, call_of, parts_of, read_blocks, result_of
from qwenproxy.api.fields import read_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai.messages import check_attachments
from qwenproxy.chat import Message, Part, TextPart
from qwenproxy.errors import RequestError, UnsupportedParameter

ROLES = ("user", "assistant", "system")
# Claude Code writes a line with a hash of the request before its system text: it changes with every call.
BILLING = "x-anthropic-"
MID_SYSTEM = "mid_conv_system"


def parse_system(value: Any, ignored: Ignored) -> tuple[Message, ...]:
    """Return the system message, none for an empty one. Raises RequestError."""
    parts = _without_billing(parts_of(read_blocks(value, "system"), "system", ignored))
    return (Message("system", parts),) if parts else ()


def parse_messages(value: Any, ignored: Ignored) -> tuple[Message, ...]:
    """Translate a `messages` array. Raises RequestError, UnsupportedParameter naming the invalid element.

    Turns of the same role become one. A system message stays where it is: at the top it would change the beginning of
    a conversation that is known. Results come before what else their turn says.
    """
    if not isinstance(value, list) or not value:
        raise RequestError("messages must be a non-empty array.", param="messages")
    messages = [message for index, each in enumerate(value) for message in _messages(each, index, ignored)]
    if not messages:
        raise UnsupportedParameter(
            "messages has no content of a supported type. Send text, images or documents.", param="messages"
        )
    merged = tuple(_merged(messages))
    check_attachments(merged, "messages")
    return merged


def _messages(value: Any, index: int, ignored: Ignored) -> Iterator[Message]:
    where = f"messages.{index}"
    role = value.get("role") if isinstance(value, dict) else None
    if role not in ROLES:
        raise RequestError(f"{where}.role must be one of {', '.join(ROLES)}.", param=f"{where}.role")
    blocks = read_blocks(value.get("content"), f"{where}.content")
    if role == "assistant":
        yield _assistant(blocks, index, ignored)
    elif role == "system":
        if parts := _without_billing(parts_of(blocks, f"{where}.content", ignored)):
            yield Message("system", parts)
    else:
        yield from _user(blocks, f"{where}.content", ignored)


def _assistant(blocks: Sequence[Block], index: int, ignored: Ignored) -> Message:
    """Return an answer. Its text is one again: it was divided where it cites pages."""
    where = f"messages.{index}.content"
    calls = tuple(
        call_of(block, f"{where}.{at}", index * 1000 + at)
        for at, block in enumerate(blocks)
        if block.get("type") == "tool_use"
    )
    others = [block for block in blocks if block.get("type") != "tool_use"]
    parts: list[Part] = []
    for is_text, same in groupby(parts_of(others, where, ignored), lambda part: isinstance(part, TextPart)):
        if is_text:
            text = "".join(part.text for part in same if isinstance(part, TextPart))
            parts += [TextPart(text)] if text else []
        else:
            parts += same
    return Message("assistant", tuple(parts), tool_calls=calls)


def _user(blocks: Sequence[Block], where: str, ignored: Ignored) -> Iterator[Message]:
    """Yield the results, then what the user says, with system texts in their place."""
    rest = []
    for at, block in enumerate(blocks):
        if block.get("type") == "tool_result":
            call_id = read_text(block, "tool_use_id", within=f"{where}.{at}.")
            if not call_id:
                raise RequestError(f"{where}.{at}.tool_use_id is missing.", param=f"{where}.{at}.tool_use_id")
            yield Message("tool", result_of(block, f"{where}.{at}", ignored), tool_call_id=call_id)
        else:
            rest.append(block)
    for is_system, same in groupby(rest, lambda block: block.get("type") == MID_SYSTEM):
        for each in same if is_system else ():
            yield Message("system", parts_of(read_blocks(each.get("content"), where), where, ignored))
        if not is_system and (parts := parts_of(list(same), where, ignored)):
            yield Message("user", parts)


def _merged(messages: Sequence[Message]) -> Iterator[Message]:
    """Yield the messages, those of a user or of the assistant in a row as one."""
    last: Message | None = None
    for message in messages:
        if last and last.role == message.role and message.role in ("user", "assistant"):
            calls = (*last.tool_calls, *message.tool_calls)
            last = replace(last, parts=(*last.parts, *message.parts), tool_calls=calls)
        else:
            if last:
                yield last
            last = message
    if last:
        yield last


def _without_billing(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts of a system text without the lines at their beginning that are about Anthropic's billing."""
    kept: list[Part] = []
    for part in parts:
        text = part.text if isinstance(part, TextPart) else ""
        while text.lstrip().startswith(BILLING):
            text = text.lstrip().partition("\n")[2]
        if not isinstance(part, TextPart) or text.strip():
            kept.append(TextPart(text) if isinstance(part, TextPart) else part)
    return tuple(kept)
