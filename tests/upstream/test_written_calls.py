"""Calls that the model makes beside its text."""

from __future__ import annotations

from typing import Any

import pytest
from transcripts import CREATED, called, delta, end, rejected

from qwenproxy.chat import Event, Finish, Text, WrittenCall
from qwenproxy.errors import EmptyAnswer
from qwenproxy.upstream.events import EventDecoder

LOOK = WrittenCall("look", '{"q": "x"}')
X = {"q": "x"}


def decode(*pieces: str, offers_tools: bool = True) -> list[Event]:
    decoder = EventDecoder(offers_tools=offers_tools)
    events = [event for piece in pieces for event in decoder.feed(piece)] + decoder.flush()
    return [event for event in events if isinstance(event, Text | WrittenCall | Finish)]


def local(*calls: tuple[str, Any], server: str = "client") -> str:
    rows = [{"tool_name": name, "params": params} for name, params in calls]
    return delta("", "local_tool", "finished", extra={"local_mcp": {server: rows}})


SEE = {"name": "b-see"}
LOCAL = {
    "alone, without any text": (local(("look", X)), [LOOK]),
    "after some text": (delta("I look. ") + end() + local(("look", X)), [Text("I look. "), LOOK]),
    "with the server's name before it": (local(("client-look", X)), [LOOK]),
    "parameters as text": (local(("look", '{"q": "x"}')), [LOOK]),
    "without parameters": (local(("look", None)), [WrittenCall("look", "")]),
    "two in a frame": (local(("look", X), ("see", {})), [LOOK, WrittenCall("see", "{}")]),
    "two frames": (local(("look", X)) + local(("see", {})), [LOOK, WrittenCall("see", "{}")]),
    "a later frame repeats the earlier": (
        local(("look", X)) + local(("look", X), ("see", {})),
        [LOOK, WrittenCall("see", "{}")],
    ),
    "two equal calls": (local(("look", X), ("look", X)) + local(("look", X), ("look", X)), [LOOK, LOOK]),
    "of two servers": (
        delta(
            "", "local_tool", extra={"local_mcp": {"a": [{"tool_name": "look", "params": X}], "b": {"name": "b-see"}}}
        ),
        [LOOK, WrittenCall("see", "")],
    ),
    "the other form": (
        delta("", "local_tool", function_call={"name": "look", "arguments": '{"q"'})
        + delta("", "local_tool", "finished", function_call={"name": "look", "arguments": '{"q": "x"}'}),
        [LOOK],
    ),
}


@pytest.mark.parametrize(("frames", "events"), LOCAL.values(), ids=LOCAL)
def test_local_tools(frames: str, events: list[Event]) -> None:
    text = CREATED + frames + (end() if "finished" not in frames else "")
    assert decode(text) == [*events, Finish()]
    assert decode(*text) == [*events, Finish()]


@pytest.mark.parametrize("odd", [None, 3, "x", [], {"client": None}, {"client": [3, {}, {"tool_name": 4}]}], ids=repr)
def test_odd_frames_are_no_calls(odd: object) -> None:
    frames = delta("", "local_tool", "finished", extra={"local_mcp": odd}) + delta("Well.") + end()
    assert decode(CREATED + frames) == [Text("Well."), Finish()]


WRITE = WrittenCall("write", '{"a": 1}', intercepted=True)
INTERCEPTED = {
    "one": (called("write", "", '{"a"', '{"a": 1}') + rejected("write"), [WRITE]),
    "two of a name": (called("write", "", '{"a": 1}', "", '{"a": 1}') + rejected("write") * 2, [WRITE, WRITE]),
    "of two names": (
        called("write", '{"a": 1}') + called("see", "{}") + rejected("write") + rejected("see"),
        [WRITE, WrittenCall("see", "{}", intercepted=True)],
    ),
    "text after it": (
        called("write", '{"a": 1}') + rejected("write") + delta("So.") + end(),
        [WRITE, Text("So.")],
    ),
    "never rejected": (called("write", '{"a": 1}') + end(), [WRITE]),
}


@pytest.mark.parametrize(("frames", "events"), INTERCEPTED.values(), ids=INTERCEPTED)
def test_calls_that_the_site_takes_for_its_own(frames: str, events: list[Event]) -> None:
    text = CREATED + frames + end()
    assert decode(text) == [*events, Finish()]
    assert decode(*text) == [*events, Finish()]


def test_a_built_in_tool_makes_no_call_of_the_client() -> None:
    built_in = delta("", function_call={"name": "image_gen", "arguments": "{}"}, function_id="call_0")
    assert decode(CREATED + built_in + delta("Done.") + end()) == [Text("Done."), Finish()]


def test_a_question_without_tools_gets_no_calls() -> None:
    assert decode(CREATED + called("write", "{}") + delta("So.") + end(), offers_tools=False) == [Text("So."), Finish()]
    with pytest.raises(EmptyAnswer):
        decode(CREATED + local(("look", X)), offers_tools=False)
