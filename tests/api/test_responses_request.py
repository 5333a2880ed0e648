"""The body of a request for a response: its fields in the neutral form, what the response repeats, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qwenproxy.api.responses.request import parse_response
from qwenproxy.chat import Document, Message, TextPart, Tool, WebSearch
from qwenproxy.errors import RequestError, UnsupportedParameter

LOOK = {"type": "function", "name": "look", "description": "Look", "parameters": {"type": "object"}, "strict": True}
NAMED = {"type": "function", "name": "look"}
BRINGING = {"type": "additional_tools", "role": "developer", "tools": [LOOK]}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
AGENTS = {"type": "namespace", "name": "agents", "description": "", "tools": [{"type": "function", "name": "spawn"}]}
PATCH = {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}}

DEEP: dict[str, Any] = {}
for _ in range(300):
    DEEP = {"type": "object", "properties": DEEP}

FIELDS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "the model": ({"model": "qwen-max"}, "model", "qwen-max"),
    "a stream": ({"stream": True}, "streamed", True),
    "a limit": ({"max_output_tokens": 16}, "max_tokens", 16),
    "no limit": ({"max_output_tokens": None}, "max_tokens", None),
    "an effort": ({"reasoning": {"effort": "high", "summary": "auto"}}, "thinking", True),
    "no effort": ({"reasoning": {"effort": "none"}}, "thinking", False),
    "a JSON object": ({"text": {"format": {"type": "json_object"}}}, "document", Document()),
    "a schema": (
        {"text": {"format": {"type": "json_schema", "name": "N", "schema": SCHEMA, "strict": True}}},
        "document",
        Document(SCHEMA, "N"),
    ),
    "free text": ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, "document", None),
    "one call": ({"parallel_tool_calls": False}, "parallel_calls", False),
    "a function": ({"tools": [LOOK]}, "tools", (Tool("look", "Look", {"type": "object"}),)),
    "a namespace": ({"tools": [AGENTS]}, "tools", (Tool("agents__spawn", namespace="agents"),)),
    "a custom tool": (
        {"tools": [PATCH]},
        "tools",
        (Tool("patch", "The input follows this lark grammar:\nstart: x", freeform=True),),
    ),
    "a named function": ({"tools": [LOOK], "tool_choice": NAMED}, "tool_choice", "look"),
    "some tools": (
        {
            "tools": [LOOK, PATCH],
            "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [NAMED]},
        },
        "tools",
        (Tool("look", "Look", {"type": "object"}),),
    ),
    "a search": ({"tools": [{"type": "web_search"}]}, "search", WebSearch(forced=True)),
    "a search beside functions": ({"tools": [{"type": "web_search"}, LOOK]}, "search", WebSearch()),
    "a search with a limit": (
        {"tools": [{"type": "web_search"}, LOOK], "max_tool_calls": 2},
        "search",
        WebSearch(max_uses=2),
    ),
    "hosted tools that are left out": (
        {"tools": [{"type": "image_generation"}, {"type": "code_interpreter"}, {"type": "mcp"}, LOOK]},
        "tools",
        (Tool("look", "Look", {"type": "object"}),),
    ),
    "tools that items bring": (
        {"input": [BRINGING, {"role": "user", "content": "x"}]},
        "tools",
        (Tool("look", "Look", {"type": "object"}),),
    ),
    "instructions": (
        {"instructions": "Be brief."},
        "messages",
        (Message("system", (TextPart("Be brief."),)), Message("user", (TextPart("Hello?"),))),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "name", "value"), FIELDS.values(), ids=FIELDS.keys())
def test_fields_in_the_neutral_form(body: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(parse_response({"input": "Hello?", **body}).chat, name) == value


REFUSED: dict[str, tuple[dict[str, Any], type[RequestError], str]] = {
    "nothing": ({}, RequestError, "input"),
    "an empty input": ({"input": []}, RequestError, "input"),
    "a blank input": ({"input": " "}, RequestError, "input"),
    "a number": ({"input": 123}, RequestError, "input"),
    "a prompt": ({"prompt": {"id": "p"}}, UnsupportedParameter, "prompt"),
    "logprobs": ({"top_logprobs": 2}, UnsupportedParameter, "top_logprobs"),
    "included logprobs": ({"include": ["message.output_text.logprobs"]}, UnsupportedParameter, "include"),
    "include": ({"include": "x"}, RequestError, "include"),
    "two memories": ({"previous_response_id": "resp_1", "conversation": "conv_1"}, RequestError, "conversation"),
    "background without store": ({"background": True, "store": False}, RequestError, "background"),
    "background": ({"background": "yes"}, RequestError, "background"),
    "metadata": ({"metadata": "x"}, RequestError, "metadata"),
    "much metadata": ({"metadata": {str(n): "" for n in range(17)}}, RequestError, "metadata"),
    "a long key": ({"metadata": {"k" * 65: ""}}, RequestError, "metadata"),
    "a long value": ({"metadata": {"k": "v" * 513}}, RequestError, "metadata"),
    "a number as a value": ({"metadata": {"k": 1}}, RequestError, "metadata"),
    "truncation": ({"truncation": "maybe"}, RequestError, "truncation"),
    "a limit of nothing": ({"max_output_tokens": 0}, RequestError, "max_output_tokens"),
    "a form": ({"text": {"format": {"type": "yaml"}}}, RequestError, "text.format.type"),
    "a schema without a schema": ({"text": {"format": {"type": "json_schema"}}}, RequestError, "text.format.schema"),
    "text": ({"text": "x"}, RequestError, "text"),
    "instructions": ({"instructions": ["x"]}, RequestError, "instructions"),
    "tools": ({"tools": {}}, RequestError, "tools"),
    "a number of tools": ({"tools": 5}, RequestError, "tools"),
    "a deep tool": ({"tools": [{**LOOK, "parameters": DEEP}]}, RequestError, "tools"),
    "a deep call": (
        {"input": [{"type": "function_call", "call_id": "c", "name": "look", "arguments": DEEP}]},
        RequestError,
        "input[0]",
    ),
    "a forced hosted tool": (
        {"tools": [LOOK], "tool_choice": {"type": "code_interpreter"}},
        UnsupportedParameter,
        "tool_choice",
    ),
    "an unknown function": ({"tools": [LOOK], "tool_choice": {**NAMED, "name": "x"}}, RequestError, "tool_choice"),
    "a model": ({"model": 5}, RequestError, "model"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "error", "param"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(body: dict[str, Any], error: type[RequestError], param: str) -> None:
    with pytest.raises(error) as refusal:
        parse_response({"input": "Hello?", **body} if body else {})
    assert refusal.value.param == param


def test_what_the_response_repeats() -> None:
    request = parse_response(
        {
            "input": "Hello?",
            "instructions": "Be brief.",
            "tools": [{"type": "function", "function": {"name": "look"}}, {"type": "image_generation"}],
            "text": {"format": {"type": "json_schema", "name": "N", "schema": SCHEMA}},
            "reasoning": {"effort": "low"},
            "metadata": {"k": "v"},
            "temperature": 0.5,
            "max_output_tokens": 100.0,
            "store": False,
            "conversation": {"id": "conv_1"},
            "prompt_cache_key": "k",
        }
    )
    echo = request.echo
    assert json.dumps(echo)
    assert echo["tools"] == [
        {"description": None, "parameters": None, "strict": None, "name": "look", "type": "function"},
        {"type": "image_generation"},
    ]
    assert echo["text"]["format"] == {
        "name": "N", "description": None, "schema": SCHEMA, "strict": None, "type": "json_schema",
    }  # fmt: skip
    assert echo["reasoning"] == {"effort": "low", "summary": None}
    assert (echo["temperature"], echo["top_p"], echo["max_output_tokens"], echo["store"]) == (0.5, 1.0, 100, False)
    assert (echo["instructions"], echo["metadata"], echo["prompt_cache_key"]) == ("Be brief.", {"k": "v"}, "k")
    assert echo["conversation"] == {"id": request.conversation} == {"id": "conv_1"}
    assert request.ignored.names == ("tools.image_generation", "temperature")


def test_earlier_items_come_before_the_new_input() -> None:
    part = {"type": "output_text", "text": "One."}
    answer = {"type": "message", "role": "assistant", "id": "msg_1", "content": [part]}
    earlier = [*parse_response({"input": "One?"}).input_items, answer]
    request = parse_response({"input": "Two?", "instructions": "S", "previous_response_id": "resp_1"}, earlier)
    assert [(each.role, each.text) for each in request.chat.messages] == [
        ("system", "S"), ("user", "One?"), ("assistant", "One."), ("user", "Two?"),
    ]  # fmt: skip
    assert [item["content"][0]["text"] for item in request.input_items] == ["Two?"]
    assert request.previous_response_id == "resp_1"


def test_a_trigger_asks_for_a_summary_and_nothing_else() -> None:
    body = {
        "input": [{"role": "user", "content": "Hello?"}, {"type": "compaction_trigger"}],
        "tools": [LOOK, {"type": "web_search"}],
        "tool_choice": "required",
        "text": {"format": {"type": "json_object"}},
        "max_output_tokens": 5,
    }
    request = parse_response(body)
    chat = request.chat
    assert request.wants_summary
    assert (chat.tools, chat.tool_choice, chat.search, chat.document, chat.max_tokens) == ((), "auto", None, None, None)
    assert len(chat.messages) == 2
    assert "summary" in chat.messages[-1].text


def test_what_has_no_effect_is_named() -> None:
    request = parse_response(
        {
            "input": "Hello?",
            "truncation": "auto",
            "text": {"verbosity": "high"},
            "context_management": [{"type": "compaction"}],
            "client_metadata": {"a": "b"},
            "stream_options": {"include_obfuscation": False},
            "include": [
                "reasoning.encrypted_content",
                "web_search_call.action.sources",
                "message.input_image.image_url",
                "web_search_call.results",
            ],
            "top_p": 1,
        }
    )
    assert request.ignored.names == (
        "include.web_search_call.results",
        "text.verbosity",
        "truncation",
        "context_management",
    )
