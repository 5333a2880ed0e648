"""Calls put together from their events."""

from __future__ import annotations

from qwenproxy.chat import CallArguments, CallEnded, CallStarted, Event, Text, Tick, ToolCall
from qwenproxy.chat.whole_calls import WholeCalls


def test_each_call_comes_with_its_last_event() -> None:
    calls = WholeCalls()
    pieces: list[Event] = [
        CallStarted("1", "f"),
        CallArguments('{"a"'),
        Tick(),
        CallArguments(":1}"),
        CallEnded(),
        Text("and"),
    ]
    pieces += [CallStarted("2", "g"), CallEnded(), CallEnded()]
    assert [calls.take(piece) for piece in pieces] == [
        *[None] * 4,
        ToolCall("1", "f", '{"a":1}'),
        *[None] * 2,
        ToolCall("2", "g", ""),
        None,
    ]
