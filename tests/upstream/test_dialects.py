"""How functions are offered to the model, and how calls are written in a conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from call_reading import asked, outcome, texts

from qwenproxy.chat import ChatRequest, Message, Tool, ToolCall
from qwenproxy.upstream.dialects import Way, local_tools, offer, writer

WEATHER = Tool("weather", "Look at the sky", {"type": "object", "properties": {"city": {"type": "string"}}})
PATCH = Tool("patch", "Change files", freeform=True)
CALL = ToolCall("call_1", "weather", '{"city": "Ufa", "days": [1, 2]}')


def request(**fields: Any) -> ChatRequest:
    return ChatRequest((Message("user"),), **{"tools": (WEATHER,), **fields})


@pytest.mark.parametrize("way", ["native", "trained", "neutral"])
def test_nothing_is_offered_without_tools_or_when_none_may_be_called(way: Way) -> None:
    assert offer(way, request(tools=())) == ""
    assert offer(way, request(tool_choice="none")) == ""


@pytest.mark.parametrize(("way", "tag", "form"), [("trained", "tools", "<tool_"), ("neutral", "functions", "<use_")])
def test_an_offer_in_words(way: Way, tag: str, form: str) -> None:
    text = offer(way, request(tools=(WEATHER, PATCH)))
    between = text.partition(f"<{tag}>\n")[2].partition(f"\n</{tag}>")[0]
    first, second = map(json.loads, between.splitlines())
    assert first == {"name": "weather", "description": "Look at the sky", "parameters": WEATHER.parameters}
    assert second["parameters"]["required"] == ["input"]
    assert form in text
    assert "where it helps" in text


@pytest.mark.parametrize(
    ("choice", "words"), [("required", "must call at least one"), ("weather", 'must call the function "weather"')]
)
def test_a_duty_is_said_in_every_way_and_every_turn(choice: str, words: str) -> None:
    for way in ("native", "trained", "neutral"):
        assert words in offer(way, request(tool_choice=choice))
        assert words in offer(way, request(tool_choice=choice), is_known=True)
        assert "<tools>" not in offer(way, request(tool_choice=choice), is_known=True)
        assert offer(way, request(), is_known=True) == ""


@pytest.mark.parametrize("way", ["trained", "neutral"])
def test_one_call_at_most(way: Way) -> None:
    assert "one block at most" in offer(way, request(parallel_calls=False)).casefold()


def test_native_tools_need_no_words() -> None:
    assert offer("native", request()) == ""
    assert local_tools((WEATHER, PATCH)) == {
        "client": {
            "weather": {"description": "Look at the sky", "input_schema": WEATHER.parameters},
            "patch": {
                "description": "Change files",
                "input_schema": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]},
            },
        }
    }


def test_a_function_without_parameters_has_a_schema_all_the_same() -> None:
    schema = local_tools((Tool("now"),))["client"]["now"]["input_schema"]
    assert schema == {"type": "object", "properties": {}}


WRITTEN = {
    "trained": '<tool_call>\n{"name": "weather", "arguments": {"city": "Ufa", "days": [1, 2]}}\n</tool_call>',
    "neutral": (
        '<use_function name="weather">\n<argument name="city">Ufa</argument>\n<argument name="days">[1,2]</argument>\n'
        "</use_function>"
    ),
    "native": 'weather {"city": "Ufa", "days": [1, 2]}',
    None: 'weather {"city": "Ufa", "days": [1, 2]}',
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_call_of_the_conversation(way: Way | None) -> None:
    assert writer(way, (WEATHER,))(CALL) == WRITTEN[way]


def test_a_call_of_a_freeform_tool_has_one_argument() -> None:
    call = ToolCall("c", "patch", "*** Begin\n+x")
    assert '{"input":"*** Begin\\n+x"}' in writer("trained", (PATCH,))(call)
    assert '<argument name="input">*** Begin\n+x</argument>' in writer("neutral", (PATCH,))(call)


@pytest.mark.parametrize("arguments", ["", "no json", "[1]", "7"])
def test_arguments_that_are_no_object_are_kept(arguments: str) -> None:
    assert writer("neutral", ())(ToolCall("c", "f", arguments)).count("<argument") == (arguments != "")


@pytest.mark.parametrize("way", ["trained", "neutral"])
def test_a_call_of_the_conversation_is_a_call_when_the_model_writes_it_again(way: Way) -> None:
    arguments = {"text": "a </tool_call> b </argument> c", "n": 123456789012345678901234567890}
    call = ToolCall("call_0", "look", json.dumps(arguments))
    number = {"type": "object", "properties": {"text": {"type": "string"}, "n": {"type": "integer"}}}
    look = Tool("look", "", number)
    read = outcome(texts([writer(way, (look,))(call)]), asked(look))
    assert read == [("look", arguments), {"finish": "tool_calls"}]
