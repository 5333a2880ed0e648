"""Function calling by agreement: what the model is told, and what is read out of its text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spelling import spelled

from qwenproxy.chat import Text, ToolCall
from qwenproxy.chat.tool_calls import ToolCallParser

CALL = '<tool_call>{"name": "weather", "arguments": {"city": "Ufa"}}</tool_call>'


def parse(*pieces: str) -> list[object]:
    """Return the text and the calls in the pieces of an answer, in order, adjoining texts joined."""
    parser = ToolCallParser()
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.flush()
    merged: list[object] = []
    for event in events:
        if isinstance(event, ToolCall):
            merged.append((event.name, json.loads(event.arguments)))
        elif merged and isinstance(merged[-1], str):
            merged[-1] += event.text
        else:
            merged.append(event.text)
    return merged


ANSWERS = [
    ("no call at all", ["no call at all"]),
    (CALL, [("weather", {"city": "Ufa"})]),
    (f"Let me look.\n{CALL}", ["Let me look.\n", ("weather", {"city": "Ufa"})]),
    (f"{CALL}\n\n{CALL}\n", [("weather", {"city": "Ufa"})] * 2),
    (f"{CALL}\n tail", [("weather", {"city": "Ufa"}), "tail"]),
    ('<tool_call>\n{"name":"f"}\n</tool_call>', [("f", {})]),
    ('<tool_call>{"name":"f","arguments":"{\\"a\\":1}"}</tool_call>', [("f", {"a": 1})]),
    (
        '<tool_call>{"name":"f","arguments":{"a":"</tool_call> \\" <tool_call>{"}}</tool_call>!',
        [("f", {"a": '</tool_call> " <tool_call>{'}), "!"],
    ),
    ("5 < 6, <tool, <tool_call and <b>", ["5 < 6, <tool, <tool_call and <b>"]),
    ("write <tool_call> and </tool_call> around it", ["write <tool_call> and </tool_call> around it"]),
    (f"<tool_call> then {CALL}", ["<tool_call> then ", ("weather", {"city": "Ufa"})]),
    ("<tool_call>{not json}</tool_call> x", ["<tool_call>{not json}</tool_call> x"]),
    ('<tool_call>{"arguments":{}}</tool_call>', ['<tool_call>{"arguments":{}}</tool_call>']),
    ('<tool_call>{"name":7}</tool_call>', ['<tool_call>{"name":7}</tool_call>']),
    (
        '<tool_call>{"name":"f","arguments":[1]}</tool_call>',
        ['<tool_call>{"name":"f","arguments":[1]}</tool_call>'],
    ),
    (
        '<tool_call>{"name":"f","arguments":"x"}</tool_call>',
        ['<tool_call>{"name":"f","arguments":"x"}</tool_call>'],
    ),
    ('<tool_call>{"name":"\\ud800"}</tool_call>', ['<tool_call>{"name":"\\ud800"}</tool_call>']),
    ('<tool_call>{"name":"f","arguments":{}}', [("f", {})]),
    ('<tool_call>{"name":"f","argum', ['<tool_call>{"name":"f","argum']),
    ("<tool_call>  ", ["<tool_call>  "]),
    ("ends with <tool_c", ["ends with <tool_c"]),
    ("", []),
]


@pytest.mark.parametrize(("answer", "expected"), ANSWERS, ids=spelled)
def test_an_answer_cut_anywhere(answer: str, expected: list[object]) -> None:
    assert parse(answer) == expected
    assert parse(*answer) == expected
    for cut in range(len(answer) + 1):
        assert parse(answer[:cut], answer[cut:]) == expected


@given(st.lists(st.sampled_from([CALL, "<tool_call>", "</tool_call>", "{", '"', "\\", "<", " ", "words", "}"])))
def test_cuts_never_matter(pieces: list[str]) -> None:
    answer = "".join(pieces)
    assert parse(*answer) == parse(answer) == parse(*pieces)


@given(st.text())
def test_text_without_tags_passes_at_once(text: str) -> None:
    text = text.replace("<", "")
    assert "".join(event.text for event in ToolCallParser().feed(text) if isinstance(event, Text)) == text


def test_text_is_not_held_back_longer_than_needed() -> None:
    parser = ToolCallParser()
    assert parser.feed("a <tool") == [Text("a ")]
    assert parser.feed("box") == [Text("<toolbox")]
    assert parser.feed("<tool_call> is") == [Text("<tool_call> is")]


def test_every_call_has_an_id_of_its_own() -> None:
    first, second = (event for event in ToolCallParser().feed(CALL + CALL) if isinstance(event, ToolCall))
    assert first.id != second.id
    assert first.id.startswith("call_")
    int(first.id.removeprefix("call_"), 16)


def test_a_deeply_nested_block_is_text() -> None:
    block = '<tool_call>{"name":"f","arguments":{"a":' + "[" * 100_000 + "</tool_call>"
    assert parse(block) == [block]


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        ('{"f": Infinity}', '{"f": null}'),
        ('{"f": [-Infinity, NaN, "я"]}', '{"f": [null, null, "я"]}'),
        ('{"f": "NaN"}', '{"f": "NaN"}'),
    ],
    ids=["infinity", "in an array", "a text"],
)
def test_pythons_numbers_that_are_no_json_become_null(written: str, arguments: str) -> None:
    parser = ToolCallParser()
    (call,) = parser.feed(f'<tool_call>{{"name": "look", "arguments": {written}}}</tool_call>')
    assert isinstance(call, ToolCall)
    assert call.arguments == arguments
