"""Messages in their kept form and back: nothing the model should see is lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spelling import spelled

from qwenproxy.chat import FilePart, ImagePart, Message, TextPart, ToolCall
from qwenproxy.history.messages import from_stored, to_stored

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
PARTS = st.one_of(st.builds(TextPart, TEXT), st.builds(ImagePart, TEXT), st.builds(FilePart, TEXT))
MESSAGES = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    st.lists(PARTS).map(tuple),
    st.none() | TEXT,
    st.lists(st.builds(ToolCall, TEXT, TEXT, TEXT)).map(tuple),
    st.none() | TEXT,
)


@given(MESSAGES)
def test_there_and_back(message: Message) -> None:
    assert from_stored(json.loads(json.dumps(to_stored(message)))) == message


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ((), ""),
        ((TextPart("Hi"),), "Hi"),
        ((TextPart("Hi"), TextPart("you")), [{"type": "text", "text": "Hi"}, {"type": "text", "text": "you"}]),
        ((ImagePart("u"), FilePart("f")), [{"type": "image", "image": "u"}, {"type": "file", "file": "f"}]),
    ],
    ids=spelled,
)
def test_the_documented_form(
    parts: tuple[TextPart | ImagePart | FilePart, ...], content: list[dict[str, object]] | str
) -> None:
    assert to_stored(Message("user", parts)) == {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"role": "user"}, Message("user")),
        ({"role": "user", "content": None}, Message("user")),
        ({"role": "developer", "content": "x"}, Message("system", (TextPart("x"),))),
        ({"role": "function", "content": "x"}, Message("tool", (TextPart("x"),))),
        ({"role": "narrator", "content": "x"}, Message("user", (TextPart("x"),))),
        ({"role": "user", "content": {"a": 1}}, Message("user", (TextPart('{"a":1}'),))),
        ({"role": "user", "content": ["x", {"b": 2}]}, Message("user", (TextPart("x"), TextPart('{"b":2}')))),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]},
            Message("user", (ImagePart("u"),)),
        ),
        (
            {"role": "user", "content": [{"type": "image", "image": ""}]},
            Message("user", (TextPart('{"type":"image","image":""}'),)),
        ),
        (
            {"role": "user", "content": "x", "name": 1, "tool_calls": 1, "tool_call_id": 1},
            Message("user", (TextPart("x"),)),
        ),
        ({"role": "assistant", "tool_calls": [1, {}]}, Message("assistant", tool_calls=(ToolCall("", "", ""),))),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]},
            Message("assistant", tool_calls=(ToolCall("c", "f", '{"a":1}'),)),
        ),
    ],
    ids=spelled,
)
def test_what_others_left_there(stored: dict[str, object], message: Message) -> None:
    assert from_stored(stored) == message
