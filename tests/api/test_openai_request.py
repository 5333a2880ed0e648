"""The body of a chat completion: what it means, what of it is lost, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spelling import spelled

from qwenproxy.api.openai.request import CompletionRequest, parse_chat_request
from qwenproxy.chat import FilePart, ImagePart, Message, TextPart, Tool, ToolCall
from qwenproxy.errors import RequestError

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def parse(**body: Any) -> CompletionRequest:
    return parse_chat_request({**HELLO, **body})


def message(**fields: Any) -> Message:
    """Return the one message that a message of these fields is read as."""
    (parsed,) = parse(messages=[{"role": "user", "content": "x", **fields}]).chat.messages
    return parsed


def test_a_bare_request() -> None:
    completion = parse()
    assert completion.chat.messages == (Message("user", (TextPart("Hello"),)),)
    assert (completion.chat.model, completion.chat.thinking, completion.chat.max_tokens, completion.chat.stop) == (
        None,
        None,
        None,
        (),
    )
    assert (completion.chat.streamed, completion.include_usage, completion.ignored.names) == (False, False, ())


@pytest.mark.parametrize(
    ("role", "neutral_role"),
    [
        ("system", "system"),
        ("developer", "system"),
        ("user", "user"),
        ("assistant", "assistant"),
        ("tool", "tool"),
        ("function", "tool"),
    ],
)
def test_roles(role: str, neutral_role: str) -> None:
    assert message(role=role).role == neutral_role


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("", (TextPart(""),)),
        ([], ()),
        ([{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}], (TextPart("a"), TextPart("b"))),
        ([{"type": "image_url", "image_url": {"url": "https://x/y"}}], (ImagePart("https://x/y"),)),
        ([{"type": "image_url", "image_url": "https://x/y"}], (ImagePart("https://x/y"),)),
        ([{"type": "image", "image": "https://x/y"}], (ImagePart("https://x/y"),)),
        ([{"type": "file", "file": "https://x/y.pdf"}], (FilePart("https://x/y.pdf"),)),
        ([{"type": "file", "file": {"file_data": "data:;base64,eA=="}}], (FilePart("data:;base64,eA=="),)),
        (
            [{"type": "file", "file": {"file_data": "data:;base64,eA==", "filename": "../a/x.pdf"}}],
            (FilePart("data:;base64,eA==", "x.pdf"),),
        ),
        ([{"type": "file", "file": {"file_data": "data:,x", "filename": ""}}], (FilePart("data:,x"),)),
        ([{"type": "refusal", "refusal": "no"}], (TextPart("no"),)),
    ],
    ids=spelled,
)
def test_contents(content: Any, parts: Any) -> None:
    assert message(content=content).parts == parts


@pytest.mark.parametrize("name", [5, "..", "dir/"])
def test_a_file_name_that_is_none(name: Any) -> None:
    with pytest.raises(RequestError):
        message(content=[{"type": "file", "file": {"file_data": "data:,x", "filename": name}}])


def test_only_the_newest_message_is_held_to_the_number_of_attachments() -> None:
    images = [{"type": "image", "image": f"https://x/{number}"} for number in range(21)]
    many = {"role": "user", "content": images}
    next_one = {"role": "user", "content": "And now?"}
    assert len(parse(messages=[many, next_one]).chat.messages[0].attachments) == 21
    for messages in ([many], [next_one, many, {"role": "assistant", "content": "Yes."}]):
        with pytest.raises(RequestError, match="20 images and files"):
            parse(messages=messages)
    twice = {"role": "user", "content": images[:20] * 2}
    assert len(parse(messages=[twice]).chat.messages[0].attachments) == 40


def test_a_conversation_with_a_tool() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"q":1}'}}
    completion = parse(
        messages=[
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "assistant", "tool_calls": [{**call, "function": {"name": "look", "arguments": {"q": "я"}}}]},
            {"role": "tool", "tool_call_id": "c1", "name": "look", "content": "42"},
        ]
    )
    asked, asked_again, result = completion.chat.messages
    assert asked == Message("assistant", (), tool_calls=(ToolCall("c1", "look", '{"q":1}'),))
    assert asked_again.tool_calls[0].arguments == '{"q":"я"}'
    assert result == Message("tool", (TextPart("42"),), name="look", tool_call_id="c1")


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ({"model": "qwen-max"}, "model", "qwen-max"),
        ({"model": ""}, "model", None),
        ({"stop": "END"}, "stop", ("END",)),
        ({"stop": ["a", "", "b"]}, "stop", ("a", "b")),
        ({"stop": None}, "stop", ()),
        ({"max_tokens": 5}, "max_tokens", 5),
        ({"max_completion_tokens": 6}, "max_tokens", 6),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens", 6),
        ({"enable_thinking": True}, "thinking", True),
        ({"enable_thinking": False, "reasoning_effort": "high"}, "thinking", False),
        ({"reasoning_effort": "high"}, "thinking", True),
        ({"reasoning_effort": "xhigh"}, "thinking", True),
        ({"reasoning_effort": ""}, "thinking", None),
        ({"reasoning_effort": "minimal"}, "thinking", False),
        ({"reasoning_effort": "none"}, "thinking", False),
        ({"thinking_budget": 9}, "thinking_budget", 9),
        ({"thinking_budget": 9.0}, "thinking_budget", 9),
        ({"thinking_budget": -1}, "thinking_budget", None),
        ({"max_tokens": -1}, "max_tokens", None),
        ({"max_tokens": -1.0}, "max_tokens", None),
        ({"max_tokens": 100.0}, "max_tokens", 100),
        ({"max_tokens": 2**63 - 1}, "max_tokens", 2**53 - 1),
        ({"max_completion_tokens": -1, "max_tokens": 7}, "max_tokens", 7),
        ({"n": 1.0}, "model", None),
        ({"reasoning_effort": "max"}, "thinking", True),
        ({"reasoning_effort": "of a new kind"}, "thinking", True),
        ({"reasoning_effort": "OFF"}, "thinking", False),
        ({"reasoning_effort": "default"}, "thinking", None),
        ({"chat_template_kwargs": {"enable_thinking": True}}, "thinking", True),
        ({"chat_template_kwargs": {"enable_thinking": False}, "reasoning_effort": "high"}, "thinking", False),
        ({"chat_template_kwargs": {"thinking_budget": 5}}, "thinking_budget", 5),
        ({"reasoning": {"effort": "high"}}, "thinking", True),
        ({"reasoning": {"effort": "none"}}, "thinking", False),
        ({"reasoning": {"enabled": True}}, "thinking", True),
        ({"reasoning": {"enabled": False, "effort": "high"}}, "thinking", False),
        ({"reasoning": {"max_tokens": 2000}}, "thinking", True),
        ({"reasoning": {"max_tokens": 2000}}, "thinking_budget", 2000),
        ({"reasoning": {}}, "thinking", None),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, "thinking", True),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, "thinking_budget", 4000),
        ({"thinking": {"type": "adaptive"}}, "thinking", True),
        ({"thinking": {"type": "disabled"}}, "thinking", False),
        ({"thinking": True}, "thinking", True),
        ({"think": False}, "thinking", False),
        ({"think": "low"}, "thinking", True),
        ({"think": None}, "thinking", None),
        ({"output_config": {"effort": "low"}}, "thinking", True),
        ({"output_config": {"effort": "high"}, "thinking": {"type": "disabled"}}, "thinking", False),
        ({"output_config": {}}, "thinking", None),
        ({"thinking_budget": 0}, "thinking", False),
        ({"thinking_budget": 0}, "thinking_budget", None),
        ({"thinking_budget": 0, "enable_thinking": True}, "thinking", True),
        ({"thinking_budget": 9}, "thinking", None),
        ({"thinking": {"type": "enabled", "budget_tokens": 0}}, "thinking", True),
        ({"reasoning": {"max_tokens": 0}}, "thinking", False),
        ({"n": 1}, "model", None),
        ({"tools": [{"name": "look"}], "tool_choice": "required"}, "tool_choice", "required"),
    ],
    ids=spelled,
)
def test_parameters(body: Any, field: str, value: Any) -> None:
    completion = parse(**body)
    assert getattr(completion.chat, field) == value
    assert completion.ignored.names == ()


def test_tools() -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    offered = [
        {"type": "function", "function": {"name": "look", "description": "Look", "parameters": schema}},
        {"function": {"name": "bare", "parameters": None}},
    ]
    assert parse(tools=offered).chat.tools == (Tool("look", "Look", schema), Tool("bare"))
    assert parse(tools=offered, tool_choice="none").chat.tools == ()


def test_streaming_options() -> None:
    assert parse(stream=True).chat.streamed
    assert parse(stream=True, stream_options={"include_usage": True}).include_usage
    assert not parse(stream=True, stream_options={}).include_usage


NOTHING_LOST = {
    "temperature": 1, "top_p": 1.0, "frequency_penalty": 0, "presence_penalty": 0.0, "repetition_penalty": 1,
    "top_k": -1, "store": False, "logprobs": False, "top_logprobs": 0, "logit_bias": {}, "modalities": ["text"],
    "parallel_tool_calls": True, "response_format": {"type": "text"}, "stream_options": {"include_usage": True},
    "user": "me", "metadata": {"a": "b"}, "service_tier": "auto", "safety_identifier": "x", "prompt_cache_key": "y",
    "seed": None, "stop": [], "tools": [], "functions": [], "function_call": "auto", "tool_choice": "auto",
    "enable_search": False, "verbosity": "medium", "anything": {}, "prediction": {"type": "content"}, "audio": None,
    "chat_template_kwargs": {}, "reasoning": {"summary": "auto"}, "n": 1,
}  # fmt: skip
LOST = [
    ({"temperature": 0.5}, "temperature"),
    ({"temperature": 0}, "temperature"),
    ({"top_p": 0.1}, "top_p"),
    ({"seed": 0}, "seed"),
    ({"store": True}, "store"),
    ({"presence_penalty": -1}, "presence_penalty"),
    ({"tools": [{"type": "x y"}]}, "tools"),
    ({"tools": [{"type": 5}]}, "tools"),
    ({"chat_template_kwargs": {"enable_thinking": True, "style": "x"}}, "chat_template_kwargs.style"),
    ({"reasoning": {"exclude": True}}, "reasoning.exclude"),
    ({"anything": 1}, "anything"),
]


@pytest.mark.parametrize(("name", "value"), NOTHING_LOST.items(), ids=NOTHING_LOST)
def test_a_value_that_changes_nothing_is_no_loss(name: Any, value: Any) -> None:
    assert parse(**{name: value}).ignored.names == ()


@pytest.mark.parametrize(("body", "name"), LOST, ids=spelled)
def test_what_is_lost_is_named(body: Any, name: Any) -> None:
    assert parse(**body).ignored.names == (name,)


def test_names_fit_into_a_header() -> None:
    assert parse(**{"x\r\ny": 1, "ключ": 1, "a" * 65: 1}).ignored.names == ()
    assert len(parse(**{f"p{number}": 1 for number in range(99)}).ignored.names) == 50


def test_functions_beside_tools_are_lost() -> None:
    look = {"name": "look"}
    completion = parse(tools=[{"type": "function", "function": look}], functions=[look])
    assert (completion.chat.tools, completion.legacy, completion.ignored.names) == (
        (Tool("look"),),
        False,
        ("functions",),
    )


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function"])
@pytest.mark.parametrize("fields", [{}, {"content": None}, {"content": ""}, {"content": []}], ids=spelled)
def test_any_message_may_lack_its_content(role: str, fields: dict[str, Any]) -> None:
    (parsed,) = parse(messages=[{"role": role, **fields}]).chat.messages
    assert parsed.text == ""


@pytest.mark.parametrize(
    "thought",
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "reasoning", "text": "Hm."},
    ],
    ids=spelled,
)
def test_thoughts_in_a_history_are_dropped(thought: dict[str, Any]) -> None:
    turn = {"role": "assistant", "content": [thought, {"type": "text", "text": "Four."}]}
    completion = parse(messages=[turn, *HELLO["messages"]])
    assert completion.chat.messages[0] == Message("assistant", (TextPart("Four."),))
    assert completion.ignored.names == ()


def test_parts_nobody_knows_are_left_out_and_named() -> None:
    content = [
        {"type": "text", "text": "a"},
        {"type": "video_url", "video_url": "x"},
        {"type": "a b"},
        {"type": {}},
        {},
    ]
    completion = parse(messages=[{"role": "user", "content": content}])
    assert completion.chat.messages[0].parts == (TextPart("a"),)
    assert completion.ignored.names == ("messages.content.video_url", "messages.content")


def test_a_refusal_is_what_the_assistant_said() -> None:
    turn = {"role": "assistant", "content": None, "refusal": "No."}
    assert parse(messages=[turn, *HELLO["messages"]]).chat.messages[0].text == "No."


def offered(*names: str) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": name}} for name in names]


@pytest.mark.parametrize(
    ("choice", "names", "word"),
    [
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": offered("b")}}, ["b"], "auto"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": offered("c", "b")}},
         ["b", "c"], "required"),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "a"}]},
         ["a"], "required"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": offered("z")}}, [], "auto"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [1, {}, {"type": "mcp"}]}}, [], "auto"),
        ("any", ["a", "b", "c"], "required"),
        ({"type": "any"}, ["a", "b", "c"], "required"),
        ({"type": "tool", "name": "b"}, ["a", "b", "c"], "b"),
        ({"type": "function", "name": "b"}, ["a", "b", "c"], "b"),
        ({"type": "none"}, [], "none"),
    ],
ids=spelled)  # fmt: skip
def test_tool_choices_of_all_apis(choice: Any, names: list[str], word: str) -> None:
    chat = parse(tools=offered("a", "b", "c"), tool_choice=choice).chat
    assert ([tool.name for tool in chat.tools], chat.tool_choice) == (names, word)


@pytest.mark.parametrize("tools", [{}, {"tools": []}, {"tools": None}], ids=spelled)
@pytest.mark.parametrize(
    "choice",
    ["required", "any", "look", {"type": "function", "function": {"name": "look"}}, {"type": "required"}],
    ids=spelled,
)
def test_a_choice_that_demands_a_tool_where_there_is_none(tools: dict[str, Any], choice: Any) -> None:
    with pytest.raises(RequestError, match="only allowed when tools are specified") as error:
        parse(**tools, tool_choice=choice)
    assert error.value.param == "tool_choice"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "only allowed when functions are specified"),
        ({"functions": []}, "only allowed when functions are specified"),
        ({"functions": [{"name": "other"}]}, "not among functions"),
    ],
    ids=spelled,
)
def test_a_function_call_that_demands_what_is_not_there(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words) as error:
        parse(**fields, function_call={"name": "look"})
    assert error.value.param == "function_call"


def test_no_choice_demands_nothing() -> None:
    for choice in ("auto", "none", None, {"type": "none"}):
        assert parse(tool_choice=choice).chat.tools == ()


def test_a_tool_as_the_responses_api_writes_it() -> None:
    assert parse(tools=[{"type": "function", "name": "look", "parameters": {}}]).chat.tools == (Tool("look"),)


@pytest.mark.parametrize(
    ("function_call", "names", "choice"),
    [
        (None, ["look"], "auto"),
        ("auto", ["look"], "auto"),
        ("none", [], "none"),
        ({"name": "look"}, ["look"], "look"),
    ],
    ids=spelled,
)
def test_functions_of_the_older_days(function_call: Any, names: list[str], choice: Any) -> None:
    schema = {"type": "object"}
    functions = [{"name": "look", "description": "Look", "parameters": schema}]
    completion = parse(functions=functions, function_call=function_call)
    assert [tool.name for tool in completion.chat.tools] == names
    assert completion.chat.tools in ((), (Tool("look", "Look", schema),))
    assert (completion.chat.tool_choice, completion.legacy, completion.ignored.names) == (choice, True, ())


def test_results_without_ids_belong_to_the_calls_in_order() -> None:
    calls = [
        {"id": number, "type": "function", "function": {"name": name, "arguments": "{}"}}
        for number, name in (("x", "look"), ("", "look"), ("z", "ask"))
    ]
    results = [
        {"role": "tool", "content": "1", "tool_call_id": ""},
        {"role": "tool", "content": "2", "name": "ask"},
        {"role": "tool", "content": "3"},
        {"role": "tool", "content": "4"},
    ]
    question, assistant = {"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": calls}
    messages = parse(messages=[question, assistant, *results]).chat.messages
    assert [call.id for call in messages[1].tool_calls] == ["x", "call_1_1", "z"]
    assert [message.tool_call_id for message in messages[2:]] == ["x", "z", "call_1_1", None]


def test_a_conversation_with_calls_of_the_older_days() -> None:
    def call(city: str) -> dict[str, Any]:
        function_call = {"name": "weather", "arguments": f'{{"city":"{city}"}}'}
        return {"role": "assistant", "content": None, "function_call": function_call}

    result = {"role": "function", "name": "weather", "content": "sun"}
    messages = parse(messages=[*HELLO["messages"], call("Oslo"), result, call("Rome"), result]).chat.messages
    oslo, sun, rome, more_sun = messages[1:]
    assert oslo.tool_calls[0].arguments == '{"city":"Oslo"}'
    assert (sun.role, sun.tool_call_id) == ("tool", oslo.tool_calls[0].id)
    assert more_sun.tool_call_id == rome.tool_calls[0].id != oslo.tool_calls[0].id


CUSTOM = {"type": "custom", "custom": {"name": "patch", "description": "Change files"}}
GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /.+/"}}
SPACED = {"type": "namespace", "name": "team", "tools": [CUSTOM]}


@pytest.mark.parametrize(
    ("tool", "read"),
    [
        pytest.param(CUSTOM, Tool("patch", "Change files", freeform=True), id="custom"),
        pytest.param(
            {"type": "custom", "name": "patch", "format": GRAMMAR["grammar"]},
            Tool("patch", "The input follows this lark grammar:\nstart: /.+/", freeform=True),
            id="flat, with a grammar",
        ),
        pytest.param(
            {"type": "custom", "custom": {"name": "patch", "description": "Do", "format": GRAMMAR}},
            Tool("patch", "Do\nThe input follows this lark grammar:\nstart: /.+/", freeform=True),
            id="with a grammar",
        ),
        pytest.param(
            {"type": "namespace", "name": "team", "tools": [{"type": "function", "name": "spawn"}]},
            Tool("team__spawn", namespace="team"),
            id="in a namespace",
        ),
        pytest.param(
            SPACED, Tool("team__patch", "Change files", freeform=True, namespace="team"), id="custom in a namespace"
        ),
    ],
)
def test_other_kinds_of_tools(tool: dict[str, Any], read: Tool) -> None:
    parsed = parse(tools=[tool])
    assert parsed.chat.tools == (read,)
    assert parsed.ignored.names == ()


@pytest.mark.parametrize("odd", [{"type": "namespace"}, {"type": "namespace", "name": "n", "tools": 3}], ids=spelled)
def test_odd_namespaces_are_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        parse(tools=[odd])


def test_a_choice_must_name_a_tool_that_is_there() -> None:
    choice: dict[str, Any] = {"type": "custom", "custom": {"name": "patch"}}
    assert parse(tools=[CUSTOM], tool_choice=choice).chat.tool_choice == "patch"
    with pytest.raises(RequestError, match="not among tools"):
        parse(tools=[CUSTOM], tool_choice={"type": "function", "function": {"name": "other"}})
    choice = {"type": "custom", "name": "patch", "namespace": "team"}
    assert parse(tools=[SPACED], tool_choice=choice).chat.tool_choice == "team__patch"
    both = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "patch"}]}
    tools = parse(tools=[CUSTOM, SPACED], tool_choice=both).chat.tools
    assert [tool.name for tool in tools] == ["patch", "team__patch"]


@pytest.mark.parametrize(("value", "parallel"), [(True, True), (False, False), (None, True)])
def test_parallel_calls(value: object, parallel: bool) -> None:
    assert parse(tools=[CUSTOM], parallel_tool_calls=value).chat.parallel_calls is parallel


def test_a_custom_call_in_a_history() -> None:
    call = {"id": "c1", "type": "custom", "custom": {"name": "patch", "input": "*** я"}}
    assert message(role="assistant", tool_calls=[call]).tool_calls == (ToolCall("c1", "patch", "*** я"),)


BAD = [
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "Hello"}, "messages"),
    ({"messages": ["Hello"]}, "messages[0]"),
    ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": {"type": "text"}}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [{"type": "file"}]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": "x", "name": 5}]}, "messages[0].name"),
    ({"messages": [{"role": "tool", "content": "x", "tool_call_id": 5}]}, "messages[0].tool_call_id"),
    ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls"),
    ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls"),
    ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": 1}}]}]}, "messages[0].tool_calls"),
    ({"model": 5}, "model"),
    ({"stream": "true"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"stream_options": []}, "stream_options"),
    ({"stream_options": {"include_usage": 1}}, "include_usage"),
    ({"stop": 5}, "stop"),
    ({"stop": 0}, "stop"),
    ({"stop": {}}, "stop"),
    ({"stop": [5]}, "stop"),
    ({"stop": ["x"] * 17}, "stop"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"max_tokens": "5"}, "max_tokens"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"n": 0}, "n"),
    ({"n": "2"}, "n"),
    ({"enable_thinking": "yes"}, "enable_thinking"),
    ({"reasoning_effort": 3}, "reasoning_effort"),
    ({"chat_template_kwargs": 3}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"enable_thinking": 3}}, "chat_template_kwargs.enable_thinking"),
    ({"thinking_budget": -2}, "thinking_budget"),
    ({"thinking_budget": 0.5}, "thinking_budget"),
    ({"thinking_budget": float("nan")}, "thinking_budget"),
    ({"thinking_budget": float("inf")}, "thinking_budget"),
    ({"max_tokens": float("nan")}, "max_tokens"),
    ({"max_tokens": float("-inf")}, "max_tokens"),
    ({"thinking": {"type": "enabled", "budget_tokens": False}}, "thinking.budget_tokens"),
    ({"output_config": "high"}, "output_config"),
    ({"output_config": {"effort": 3}}, "output_config.effort"),
    ({"reasoning": "high"}, "reasoning"),
    ({"reasoning": {"effort": 3}}, "reasoning.effort"),
    ({"thinking": "on"}, "thinking"),
    ({"think": 1}, "think"),
    ({"functions": {"name": "x"}}, "functions"),
    ({"functions": [{}]}, "functions[0]"),
    ({"functions": [{"name": "x"}], "function_call": "required"}, "function_call"),
    ({"messages": [{"role": "assistant", "function_call": {}}]}, "messages[0].function_call"),
    ({"messages": [{"role": "assistant", "function_call": "x"}]}, "messages[0].function_call"),
    ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
    ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "some", "tools": []}}}, "tool_choice"),
    ({"n": -1}, "n"),
    ({"tool_choice": "maybe"}, "tool_choice"),
    ({"tool_choice": {"function": {}}}, "tool_choice"),
    ({"tool_choice": ["auto"]}, "tool_choice"),
    ({"tools": {}}, "tools"),
    ({"tools": ["look"]}, "tools[0]"),
    ({"tools": [{"type": "function"}]}, "tools[0]"),
    ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0]"),
    ({"tools": [{"type": "function", "function": {"name": "x", "description": 5}}]}, "tools[0]"),
    ({"tools": [{"type": "function", "function": {"name": "x", "parameters": "{}"}}]}, "tools[0]"),
]
UNSUPPORTED = [
    ({"n": 2}, "n"),
    ({"n": 2.0}, "n"),
    ({"logprobs": True}, "logprobs"),
    ({"top_logprobs": 5}, "top_logprobs"),
    ({"logit_bias": {"1": 1}}, "logit_bias"),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"audio": {"voice": "x", "format": "wav"}}, "audio"),
    ({"tools": [{"type": "file_search"}], "tool_choice": "required"}, "tool_choice"),
    ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
    ({"tool_choice": {"type": "computer_use"}}, "tool_choice"),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0]"),
]


@pytest.mark.parametrize(("body", "field"), BAD, ids=spelled)
def test_bad_input_is_named(body: Any, field: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse(**body)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "invalid_request", field)


@pytest.mark.parametrize(("body", "field"), UNSUPPORTED, ids=spelled)
def test_what_is_not_supported_is_named(body: Any, field: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse(**body)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "unsupported_parameter", field)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["role", "content", "type", "text", "name", "function", "image_url", "url", "tool_calls", "include_usage",
         "function_call", "allowed_tools", "tools", "mode", "custom", "file", "file_data", "enabled", "effort"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "messages",
                "tools",
                "tool_choice",
                "stop",
                "n",
                "stream_options",
                "functions",
                "function_call",
                "think",
                "thinking",
                "reasoning",
                "chat_template_kwargs",
                "logprobs",
                "modalities",
                "temperature",
            ]
        ),
        json_values,
    )
)
def test_nothing_but_a_request_error_comes_of_any_body(body: Any) -> None:
    try:
        parse_chat_request({**HELLO, **body})
    except RequestError as error:
        assert error.message and error.param
