"""Translate Gemini's `contents` and `systemInstruction` into the neutral vocabulary. Pure; part of request.py.

A content may hold results of calls beside text, and a client may keep a streamed answer as one content per piece: so
contents and messages are not the same in number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qwenproxy.api.gemini.media import media_part
from qwenproxy.api.gemini.results import CallIds, result_message
from qwenproxy.api.gemini.spelling import list_at, object_at
from qwenproxy.api.ignored import Ignored
from qwenproxy.chat import Message, Part, TextPart
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.upstream.folding import MAX_ATTACHMENTS

_ROLES = ("user", "model", "function", "tool")
# They only say how a part was made, or how to read it.
_ABOUT_PARTS = frozenset({"thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"})


def parse_contents(value: Any, ignored: Ignored) -> tuple[Message, ...]:
    """Translate the contents of a conversation. Raises RequestError, UnsupportedParameter naming the element."""
    if not isinstance(value, list | Mapping) or not value:
        raise RequestError("contents must be a non-empty array of contents.", param="contents")
    messages: list[Message] = []
    ids = CallIds()
    for index, each in enumerate(list_at(value, "contents")):
        where = f"contents[{index}]"
        content = object_at(each, where)
        role = content.get("role") or "user"
        if role not in _ROLES:
            raise RequestError(f"{where}.role must be user or model.", param=f"{where}.role")
        parts = _parts(content.get("parts"), f"{where}.parts")
        messages += _of_model(parts, ids, ignored) if role == "model" else _of_user(parts, ids, ignored)
    messages = _joined(messages)
    _check_question(messages)
    return tuple(messages)


def parse_system(value: Any, ignored: Ignored) -> tuple[Message, ...]:
    """Translate a system instruction: a text, a content, parts, or a list of these. Raises RequestError."""
    texts = [part for part in _system_parts(value, "systemInstruction", ignored) if part.text]
    return (Message("system", tuple(texts)),) if texts else ()


def _system_parts(value: Any, where: str, ignored: Ignored) -> Iterator[TextPart]:
    if value is None:
        return
    if isinstance(value, str):
        yield TextPart(value)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _system_parts(each, f"{where}[{index}]", ignored)
    else:
        content = object_at(value, where)
        if "parts" in content:
            yield from _system_parts(content["parts"], f"{where}.parts", ignored)
        elif isinstance(content.get("text"), str):
            yield TextPart(content["text"])
        elif content.keys() - {"role"}:
            ignored.add("systemInstruction", next(iter(content)))


def _parts(value: Any, where: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the parts that count, each with its place: without the model's older thoughts."""
    if isinstance(value, str):
        value = [{"text": value}]
    parts = []
    for index, each in enumerate(list_at(value, where)):
        place = f"{where}[{index}]"
        part = {"text": each} if isinstance(each, str) else object_at(each, place)
        if part.get("thought") is not True:
            parts.append((place, part))
    return parts


def _of_model(parts: Sequence[tuple[str, dict[str, Any]]], ids: CallIds, ignored: Ignored) -> Iterator[Message]:
    said: list[Part] = []
    calls = []
    for where, part in parts:
        if "functionCall" in part:
            calls.append(ids.call(object_at(part["functionCall"], f"{where}.functionCall"), f"{where}.functionCall"))
        elif (plain := _plain_part(part, where, ignored)) and plain != TextPart(""):
            said.append(plain)
    if said or calls:
        yield Message("assistant", tuple(said), tool_calls=tuple(calls))


def _of_user(parts: Sequence[tuple[str, dict[str, Any]]], ids: CallIds, ignored: Ignored) -> Iterator[Message]:
    """Yield the messages of a content: results are messages of their own, and come first as they answer calls."""
    said: list[Part] = []
    for where, part in parts:
        if "functionResponse" in part:
            if result := result_message(part["functionResponse"], f"{where}.functionResponse", ids):
                yield result
        elif plain := _plain_part(part, where, ignored):
            said.append(plain)
    if said:
        yield Message("user", tuple(said))


def _plain_part(part: Mapping[str, Any], where: str, ignored: Ignored) -> Part | None:
    """Translate a part that is no call and no result; None for one that is left out."""
    if "text" in part:
        if not isinstance(part["text"], str):
            raise RequestError(f"{where}.text must be a string.", param=f"{where}.text")
        return TextPart(part["text"])
    if media := media_part(part, where):
        return media
    for name in part:
        if name not in _ABOUT_PARTS:
            ignored.add("contents", "parts", name)
    return None


def _joined(messages: Sequence[Message]) -> list[Message]:
    """Join the pieces of one answer, which a client may have kept as they came."""
    joined: list[Message] = []
    for message in messages:
        last = joined[-1] if joined else None
        if last and message.role == last.role == "assistant":
            calls = (*last.tool_calls, *message.tool_calls)
            joined[-1] = Message("assistant", (*last.parts, *message.parts), tool_calls=calls)
        else:
            joined.append(message)
    return [_with_whole_text(each) if each.role == "assistant" else each for each in joined]


def _with_whole_text(message: Message) -> Message:
    """Return an answer whose pieces of text are one: they came cut anywhere, also within a word."""
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, TextPart) and parts and isinstance(parts[-1], TextPart):
            parts[-1] = TextPart(parts[-1].text + part.text)
        else:
            parts.append(part)
    return Message(message.role, tuple(parts), tool_calls=message.tool_calls)


def _check_question(messages: Sequence[Message]) -> None:
    """Refuse a question without any usable part, and one with too many attachments."""
    if not any(message.parts or message.tool_calls for message in messages):
        raise UnsupportedParameter("contents has no part of a supported type. Send text or data.", param="contents")
    newest = next((message for message in reversed(messages) if message.role == "user"), None)
    if newest and len(set(newest.attachments)) > MAX_ATTACHMENTS:
        raise RequestError(f"A content may have at most {MAX_ATTACHMENTS} images and files.", param="contents")
