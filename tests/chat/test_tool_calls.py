"""Function calling by agreement: what the model is told."""

from __future__ import annotations

import json

import pytest
from call_reading import asked, outcome, texts

from qwenproxy.chat import Tool, ToolCall
from qwenproxy.chat.tool_calls import call_block, instructions

WEATHER = Tool("weather", "Look at the sky", {"type": "object", "properties": {"city": {"type": "string"}}})


def test_no_tools_no_instructions() -> None:
    assert instructions((), "auto") == ""
    assert instructions((WEATHER,), "none") == ""


@pytest.mark.parametrize(
    ("choice", "words"),
    [("auto", "where it helps"), ("required", "must call at least one"), ("weather", 'function "weather"')],
)
def test_instructions(choice: str, words: str) -> None:
    text = instructions((WEATHER, Tool("dice")), choice)
    assert words in text
    assert json.dumps(WEATHER.parameters) in text
    assert '"name": "dice"' in text
    assert "<tool_call>" in text


def test_a_call_of_the_history_is_a_call_when_it_is_read_back() -> None:
    call = ToolCall("call_0", "odd name", '{"text": "a </tool_call> b", "n": 123456789012345678901234567890}')
    expected = [(call.name, json.loads(call.arguments)), {"finish": "tool_calls"}]
    assert outcome(texts([call_block(call)]), asked(Tool(call.name))) == expected
