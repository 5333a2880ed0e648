"""The parts of a script become frames, each as the site writes it (protocol 4.8, 5.4, 5.6 and 5.8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from qwenproxy.sandbox.envelope import compact
from qwenproxy.sandbox.model.parts import (
    Answer,
    BuiltIn,
    ChannelCalls,
    NativeCalls,
    Part,
    Searches,
    SearchRound,
    Thinking,
)
from qwenproxy.sandbox.model.stream import FrameWriter


def play(parts: Iterable[Part], writer: FrameWriter) -> Iterator[bytes]:
    """Return the frames between the first one and the end of the answer."""
    for part in parts:
        if isinstance(part, Answer):
            yield from map(writer.text, part.pieces)
        elif isinstance(part, Searches):
            yield from _searches(part, writer)
        elif isinstance(part, NativeCalls):
            yield from _native(part, writer)
        elif isinstance(part, ChannelCalls):
            yield from _channel(part, writer)
        elif isinstance(part, BuiltIn):
            function_id = "round_0_call_00b0"
            yield from (writer.tool_call(part.phase, function_id, text) for text in _snapshots(part.arguments))
            yield writer.tool_result(part.phase, function_id, {"tool_result": [{"content": part.result}]})
        elif part.form == "detail":
            for _, thought in part.steps:
                yield from (writer.text(word + " ", "think") for word in thought.split())
            yield writer.thinking_end("think")
        else:
            yield from _summaries(part, writer)


def _summaries(part: Thinking, writer: FrameWriter) -> Iterator[bytes]:
    """Write growing snapshots, each of them twice, as the site does."""
    titles: list[str] = []
    thoughts: list[str] = []
    for title, thought in part.steps:
        titles.append(title)
        thoughts.append("")
        for half in (thought[: len(thought) // 2], thought[len(thought) // 2 :]):
            thoughts[-1] += half
            yield writer.summary(titles, thoughts, len(half))
            yield writer.summary(titles, thoughts, 0)
    extra = {"summary_title": {"content": titles}, "summary_thought": {"content": thoughts}}
    yield writer.thinking_end("thinking_summary", extra)


def _searches(part: Searches, writer: FrameWriter) -> Iterator[bytes]:
    """Write searches that run at the same time: their calls take turns, then the results come."""
    calls = [[writer.tool_call("web_search", one.function_id, text) for text in _query(one)] for one in part.rounds]
    for frames in zip_longest(*calls):
        yield from (frame for frame in frames if frame is not None)
    for one in part.rounds:
        results = [dict(result) for result in one.results]
        shown: dict[str, Any] = {"web_search_info": results}
        if one.form == "docs":
            shown = {"tool_result": {"docs": results, "used_id": one.next_number}}
        yield writer.tool_result("web_search", one.function_id, shown)


def _query(one: SearchRound) -> Iterator[str]:
    return _snapshots(f'{{"queries": ["{one.query}"]}}')


def _snapshots(arguments: str) -> Iterator[str]:
    """Return the texts so far of arguments that are being written; the last comes twice."""
    yield from ("", arguments[: len(arguments) // 2], arguments, arguments)


def _native(part: NativeCalls, writer: FrameWriter) -> Iterator[bytes]:
    for number, calls in enumerate(part.frames):
        if part.form == "function_call":
            server, name, arguments = calls[0]
            yield writer.local_function_call(_tool_name(part, server, name), compact(arguments), f"call_{number:x}f0")
            continue
        servers: dict[str, list[dict[str, Any]]] = {}
        for server, name, arguments in calls:
            params = compact(arguments) if part.form == "local_mcp_text" else arguments
            call = {"tool_name": _tool_name(part, server, name), "params": params}
            servers.setdefault(server, []).append(call)
        yield writer.local_calls(servers, keep=number == len(part.frames) - 1)


def _tool_name(part: NativeCalls, server: str, name: str) -> str:
    return f"{server}-{name}" if part.prefixed and server else name


def _channel(part: ChannelCalls, writer: FrameWriter) -> Iterator[bytes]:
    """Write calls that nobody takes: all of them, then the rejections in the same order.

    What was said before is a piece of the answer that is finished by itself (protocol 5.2).
    """
    if writer.is_in_text:
        yield writer.finished()
    for name, arguments in part.calls:
        text = _channel_arguments(arguments, part.as_text)
        for snapshot in ("", text[: len(text) // 3], text[: 2 * len(text) // 3], text):
            yield writer.call(name, snapshot)
        writer.keep_call(name, text)
    for name, _ in part.calls:
        yield writer.function_result(name, f"Tool {name} does not exists.")
        yield writer.function_end()


def _channel_arguments(arguments: Any, as_text: bool) -> str:
    if as_text and isinstance(arguments, dict):
        arguments = {
            key: compact(value) if isinstance(value, dict | list) else value for key, value in arguments.items()
        }
    return arguments if isinstance(arguments, str) else compact(arguments)
