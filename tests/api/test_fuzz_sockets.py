"""Both WebSockets against any messages: each gets its events, none is a failure of ours, and the socket goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fuzzing import FUZZED, JSON
from hypothesis import given, settings
from hypothesis import strategies as st
from kept_chats import KeptChats
from simple_websocket import Client, ConnectionClosed

WAIT = 20.0  # seconds; only a failing test waits as long
EXAMPLES = 40
CHAT_FIELDS = ("message", "messages", "model", "chatId", "stream", "chatType", "size", "key", "type")
RESPONSE_FIELDS = (
    *("input", "model", "instructions", "tools", "tool_choice", "text", "reasoning", "stream_id", "generate", "store"),
    *("previous_response_id", "conversation", "max_output_tokens", "include", "metadata", "background", "truncation"),
)

Connect = Callable[..., Client]


def messages(fields: tuple[str, ...], kind: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[str | bytes]:
    """Return objects of these names with any values, other JSON, and what is none."""
    bodies = st.fixed_dictionaries({}, optional=dict.fromkeys(fields, JSON))
    objects = st.builds(lambda body, head: {**body, **head}, bodies, kind)
    return (objects | JSON).map(json.dumps) | st.text(max_size=20) | st.binary(max_size=20)


def test_the_native_chat(connect: Connect, chats: KeptChats) -> None:
    sockets = [connect()]

    @settings(FUZZED, max_examples=EXAMPLES)
    @given(messages(CHAT_FIELDS, st.just({}) | st.sampled_from([{"type": "cancel"}, {"type": "auth"}])))
    def check(message: str | bytes) -> None:
        ws = sockets[-1]
        ws.send(message)
        ws.send(json.dumps({"message": "Still there?"}))
        answered = 0
        try:
            while answered < 1 or chats.site.texts()[-1:] != ["Still there?"]:
                event = json.loads(ws.receive(timeout=WAIT) or "null")
                assert event is not None, "the socket is silent"
                assert event.get("code") != "internal_error", event
                answered += event["type"] == "done"
        except ConnectionClosed as end:
            assert end.reason == 1008, end.reason  # a wrong key in an auth message, or too many at once
            sockets.append(connect())

    check()
    assert len(sockets) < 10


def test_responses(connect: Connect, chats: KeptChats) -> None:
    ws = connect(address="/v1/responses")

    @settings(FUZZED, max_examples=EXAMPLES)
    @given(messages(RESPONSE_FIELDS, st.just({}) | st.just({"type": "response.create"})))
    def check(message: str | bytes) -> None:
        ws.send(message)
        ws.send(json.dumps({"type": "response.create", "input": "Still there?", "metadata": {"mark": "last"}}))
        while True:
            event = json.loads(ws.receive(timeout=WAIT) or "null")
            assert event is not None, "the socket is silent"
            assert event["type"] != "error" or event["status"] < 500, event
            if event["type"] == "response.completed" and event["response"]["metadata"] == {"mark": "last"}:
                break

    check()
