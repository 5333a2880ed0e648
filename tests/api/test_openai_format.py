"""OpenAI's answers: what an answer's events look like as one object."""

from __future__ import annotations

import pytest

from qwenproxy.api.openai.format import Answer, completion_object, estimated_usage, sendable
from qwenproxy.chat import Finish, Image, Reasoning, Search, Started, Text, Tick, ToolCall, Usage


def test_a_whole_answer():
    answer = Answer()
    for event in (
        Started("r", "p"),
        Usage(5, 1),
        Reasoning("Let me"),
        Reasoning(" see."),
        Tick(),
        Search(()),
        Text("Hello"),
        Image("https://x/y.png"),
        Text("!"),
        Usage(5, 9, 4, 2),
        Finish("length"),
    ):
        answer.add(event)
    body = completion_object(answer, "qwen3.8-max", ["Hi"])
    assert list(body) == ["id", "object", "created", "model", "choices", "usage"]
    assert (body["object"], body["model"]) == ("chat.completion", "qwen3.8-max")
    assert body["id"].startswith("chatcmpl-") and isinstance(body["created"], int)
    assert body["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello![image](https://x/y.png)\n!",
                "reasoning_content": "Let me see.",
            },
            "logprobs": None,
            "finish_reason": "length",
        }
    ]
    assert (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"], body["usage"]["total_tokens"]) == (
        5,
        9,
        14,
    )
    assert body["usage"]["completion_tokens_details"] == {"reasoning_tokens": 4}
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}


def test_an_answer_of_calls_only():
    answer = Answer()
    answer.add(ToolCall("c1", "look", "{}"))
    answer.add(Finish("tool_calls"))
    (choice,) = completion_object(answer, "m", [])["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
    }
    assert choice["finish_reason"] == "tool_calls"


def test_an_empty_answer_has_text():
    assert Answer().message() == {"role": "assistant", "content": ""}


def test_usage_is_estimated_where_the_site_gave_none():
    assert estimated_usage(["12345", "678"], ["1"]) == Usage(2, 1)
    assert estimated_usage([], []) == Usage(0, 0)


def test_an_answer_of_a_legacy_call():
    answer = Answer()
    for event in (ToolCall("c1", "look", "{}"), ToolCall("c2", "look", "{}"), Finish("tool_calls")):
        answer.add(event)
    (choice,) = completion_object(answer, "m", [], legacy=True)["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "look", "arguments": "{}"},
    }
    assert choice["finish_reason"] == "function_call"


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ('{"f": Infinity}', '{"f": null}'),
        ('{"f": [-Infinity, NaN, "я"]}', '{"f": [null, null, "я"]}'),
        ('{"f": "NaN"}', '{"f": "NaN"}'),
        ('{"f":1}', '{"f":1}'),
        ("NaN nonsense", "NaN nonsense"),
    ],
)
def test_arguments_that_leave_are_json(arguments, sent):
    call = sendable(ToolCall("c1", "look", arguments))
    assert call == ToolCall("c1", "look", sent)
    answer = Answer()
    answer.add(ToolCall("c1", "look", arguments))
    assert answer.tool_calls == [call]
