"""Ollama's bodies: what they mean, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from spelling import spelled

from qwenproxy.api.ollama.addresses import means_ollama
from qwenproxy.api.ollama.request import OllamaRequest, parse_chat, parse_generate
from qwenproxy.chat import ChatRequest, Document, ImagePart, Message, TextPart, Tool, ToolCall, WebSearch
from qwenproxy.errors import RequestError, UnsupportedParameter

HELLO = [{"role": "user", "content": "Hello?"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
PIXEL = "iVBORw0KGgo="


def asked(**body: Any) -> tuple[ChatRequest, OllamaRequest]:
    """Parse a body of a chat that asks for an answer."""
    request = parse_chat({"model": "qwen-max", "messages": HELLO, **body})
    assert request.chat
    return request.chat, request


def generated(**body: Any) -> tuple[ChatRequest, OllamaRequest]:
    """Parse a body of a generated text that asks for an answer."""
    request = parse_generate({"model": "qwen-max", "prompt": "Hello?", **body})
    assert request.chat
    return request.chat, request


def test_a_plain_question() -> None:
    chat, request = asked()
    assert chat == ChatRequest((Message("user", (TextPart("Hello?"),)),), "qwen-max", streamed=True)
    assert (request.model, request.streamed, request.ignored.names) == ("qwen-max", True, ())


@pytest.mark.parametrize(("stream", "streamed"), [(None, True), (True, True), (False, False)])
def test_it_streams_unless_told_otherwise(stream: bool | None, streamed: bool) -> None:
    for chat, request in (asked(stream=stream), generated(stream=stream)):
        assert chat.streamed == request.streamed == streamed


def test_a_conversation_with_calls_without_ids() -> None:
    chat, request = asked(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "The weather?"},
            {
                "role": "assistant",
                "thinking": "Hm.",
                "tool_calls": [
                    {"function": {"name": "look", "arguments": {"city": "Bern"}}},
                    {"function": {"name": "look", "arguments": {"city": "Ufa"}}},
                    {"function": {"name": "ask", "arguments": {}}},
                ],
            },
            {"role": "tool", "content": "sunny"},
            {"role": "tool", "content": "yes", "tool_name": "ask"},
            {"role": "tool", "content": "cold"},
        ]
    )
    assert chat.messages[2:] == (
        Message(
            "assistant",
            tool_calls=(
                ToolCall("call_2_0", "look", '{"city":"Bern"}'),
                ToolCall("call_2_1", "look", '{"city":"Ufa"}'),
                ToolCall("call_2_2", "ask", "{}"),
            ),
        ),
        Message("tool", (TextPart("sunny"),), tool_call_id="call_2_0"),
        Message("tool", (TextPart("yes"),), "ask", tool_call_id="call_2_2"),
        Message("tool", (TextPart("cold"),), tool_call_id="call_2_1"),
    )
    assert request.ignored.names == ()


def test_results_belong_to_calls_with_ids_too() -> None:
    call = {"id": "call_x", "function": {"index": 0, "name": "look", "arguments": {"city": "Bern"}}}
    for result in ({"content": "sunny"}, {"content": "sunny", "tool_call_id": "call_x"}):
        chat, _ = asked(messages=[*HELLO, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", **result}])
        assert chat.messages[-1].tool_call_id == "call_x"


def test_calls_of_an_earlier_question_are_open_no_more() -> None:
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "look", "arguments": {}}}]}
    chat, _ = asked(messages=[*HELLO, call, *HELLO, call, {"role": "tool", "content": "x"}])
    assert chat.messages[-1].tool_call_id == "call_3_0"


def test_images_come_without_an_address() -> None:
    image = ImagePart(f"data:;base64,{PIXEL}")
    chat, _ = asked(messages=[{"role": "user", "content": "See.", "images": [PIXEL]}])
    assert chat.messages[0].parts == (TextPart("See."), image)
    chat, _ = asked(messages=[{"role": "user", "images": [PIXEL, "data:image/png;base64,AA=="]}])
    assert chat.messages[0].parts == (image, ImagePart("data:image/png;base64,AA=="))
    chat, _ = generated(images=[PIXEL])
    assert chat.messages[0].parts == (TextPart("Hello?"), image)


@pytest.mark.parametrize(
    ("options", "limit", "stop"),
    [
        (None, None, ()),
        ({}, None, ()),
        ({"num_predict": 1000}, 1000, ()),
        ({"num_predict": 10.0}, 10, ()),
        ({"num_predict": -1}, None, ()),
        ({"num_predict": -2}, None, ()),
        ({"num_predict": 0}, None, ()),
        ({"num_predict": None, "stop": None, "seed": None}, None, ()),
        ({"stop": ["a", "b"]}, None, ("a", "b")),
        ({"stop": "a"}, None, ("a",)),
    ],
    ids=spelled,
)
def test_options(options: Any, limit: int | None, stop: tuple[str, ...]) -> None:
    for chat, request in (asked(options=options), generated(options=options)):
        assert (chat.max_tokens, chat.stop, request.ignored.names) == (limit, stop, ())


def test_what_has_no_effect_is_named() -> None:
    options = {"temperature": 0.2, "num_ctx": 8192, "top_p": 1, "seed": 0}
    _, request = asked(options=options, keep_alive="5m", truncate=True, tools=[], logprobs=False)
    assert request.ignored.names == ("options.temperature", "options.num_ctx", "options.seed", "truncate")
    _, request = generated(template="{{ .Prompt }}", context=[], keep_alive=-1)
    assert request.ignored.names == ("template",)


@pytest.mark.parametrize(
    ("value", "document"),
    [(None, None), ("", None), ("json", Document()), (SCHEMA, Document(SCHEMA))],
    ids=spelled,
)
def test_formats(value: Any, document: Document | None) -> None:
    assert asked(format=value)[0].document == document
    assert generated(format=value)[0].document == document


@pytest.mark.parametrize(
    ("think", "thinks"),
    [(None, None), (True, True), (False, False), ("high", True), ("low", True), ("max", True), ("none", False)],
)
def test_thinking(think: Any, thinks: bool | None) -> None:
    assert asked(think=think)[0].thinking == thinks
    assert generated(think=think)[0].thinking == thinks


def test_tools_and_searches() -> None:
    function = {"name": "look", "description": "Looks.", "parameters": SCHEMA}
    chat, _ = asked(tools=[{"type": "function", "function": function}], tool_choice="required")
    assert (chat.tools, chat.tool_choice) == ((Tool("look", "Looks.", SCHEMA),), "required")
    chat, _ = asked(tools=[{"function": function}])
    assert chat.tools == (Tool("look", "Looks.", SCHEMA),)
    assert asked(enable_search=True)[0].search == WebSearch(forced=True)


def test_a_prompt_with_a_system_text() -> None:
    chat, _ = generated(system="Be brief.")
    assert [(each.role, each.text) for each in chat.messages] == [("system", "Be brief."), ("user", "Hello?")]


def test_a_prompt_to_go_on_with() -> None:
    chat, _ = generated(raw=True)
    assert [each.role for each in chat.messages] == ["system", "user"]
    assert chat.messages[0].text.startswith("Continue the user's text")
    chat, _ = generated(prompt="def f(", suffix="return x", system="Python.")
    assert [each.role for each in chat.messages] == ["system", "system", "user"]
    assert chat.messages[1].text.endswith("\nreturn x")
    chat, _ = generated(prompt="", suffix="return x")
    assert chat.messages[-1].role == "user"


@pytest.mark.parametrize(
    ("body", "unload"),
    [
        ({}, False),
        ({"keep_alive": "5m"}, False),
        ({"keep_alive": -1}, False),
        ({"keep_alive": True}, False),
        ({"keep_alive": 0}, True),
        ({"keep_alive": 0.0}, True),
        ({"keep_alive": "0"}, True),
        ({"keep_alive": "0s"}, True),
        ({"keep_alive": "0.0m"}, True),
        ({"keep_alive": "0.5s"}, False),
    ],
    ids=spelled,
)
def test_no_question_loads_a_model(body: dict[str, Any], unload: bool) -> None:
    for request in (
        parse_chat({"model": "qwen-max", **body}),
        parse_chat({"model": "qwen-max", "messages": [], **body}),
        parse_chat({"model": "qwen-max", "messages": None, **body}),
        parse_generate({"model": "qwen-max", **body}),
        parse_generate({"model": "qwen-max", "prompt": "", **body}),
    ):
        assert (request.chat, request.unload) == (None, unload)


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        ({"model": None}, "model", "model is required"),
        ({"model": ""}, "model", "model is required"),
        ({"model": 1}, "model", "must be a string"),
        ({"messages": "x"}, "messages", "must be an array"),
        ({"messages": [1]}, "messages", "messages[0] must be an object"),
        ({"messages": [{"role": "clown", "content": "x"}]}, "messages[0].role", "must be one of"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content", "must be a string"),
        ({"messages": [{"role": "user", "images": "x"}]}, "images", "array of base64"),
        ({"messages": [{"role": "user", "images": [1]}]}, "images", "array of base64"),
        ({"stream": "yes"}, "stream", "true or false"),
        ({"options": []}, "options", "must be an object"),
        ({"options": {"num_predict": "x"}}, "options.num_predict", "whole number"),
        ({"options": {"num_predict": True}}, "options.num_predict", "whole number"),
        ({"options": {"stop": [1]}}, "options.stop", "options.stop must be"),
        ({"format": "xml"}, "format", "format must be"),
        ({"format": True}, "format", "format must be"),
        ({"format": {"type": 5}}, "format", "no valid JSON schema"),
        ({"think": 5}, "think", "think must be"),
        ({"tools": "x"}, "tools", "must be an array"),
        ({"logprobs": True}, "logprobs", "does not support"),
    ],
    ids=spelled,
)
def test_what_is_refused(body: dict[str, Any], param: str, message: str) -> None:
    with pytest.raises(RequestError) as refused:
        parse_chat({"model": "qwen-max", "messages": HELLO, **body})
    assert refused.value.param == param or (refused.value.param or "").startswith(param)
    assert message in refused.value.message


def test_the_context_of_another_server_is_refused() -> None:
    with pytest.raises(UnsupportedParameter, match="/api/chat") as refused:
        generated(context=[1, 2])
    assert refused.value.param == "context"


@pytest.mark.parametrize(
    ("body", "user_agent", "meant"),
    [
        ({"messages": HELLO}, "curl/8", False),
        ({"messages": HELLO}, "", False),
        ({"messages": HELLO}, "ollama-python/0.6.3 (x86_64 linux) Python/3.11", True),
        ({"messages": HELLO}, "Ollama-js/0.6.0", True),
        ({"message": "x"}, "ollama/0.23 (arm64 darwin) Go/go1.24", True),
        ({"messages": HELLO}, "not-ollama", False),
        *[({"messages": HELLO, name: None}, "", True) for name in ("options", "keep_alive", "format", "think")],
        ({"messages": HELLO, "truncate": True}, "", True),
        ({"messages": HELLO, "shift": True}, "", True),
        ({"message": "x", "options": {}}, "", False),
        ({"messages": HELLO, "chatId": "x", "think": True}, "", False),
        ({"messages": HELLO, "tools": []}, "", False),
        ({}, "", False),
    ],
    ids=spelled,
)
def test_what_is_meant_for_ollama(body: dict[str, Any], user_agent: str, meant: bool) -> None:
    assert means_ollama(body, user_agent) == meant
