"""OpenAI's JSON, both ways: what a body means, what is wrong with it, and what an answer looks like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.api.openai_format import Answer, completion_object, estimated_usage, parse_chat_request
from qwenproxy.chat import (
    FilePart,
    Finish,
    Image,
    ImagePart,
    Message,
    Reasoning,
    Search,
    Started,
    Text,
    TextPart,
    Tick,
    Tool,
    ToolCall,
    Usage,
)
from qwenproxy.errors import RequestError

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def parse(**body):
    return parse_chat_request({**HELLO, **body})


def message(**fields):
    """Return the one message that a message of these fields is read as."""
    (parsed,) = parse(messages=[{"role": "user", "content": "x", **fields}]).chat.messages
    return parsed


def test_a_bare_request():
    wanted = parse()
    assert wanted.chat.messages == (Message("user", (TextPart("Hello"),)),)
    assert (wanted.chat.model, wanted.chat.thinking, wanted.chat.max_tokens, wanted.chat.stop) == (None, None, None, ())
    assert (wanted.chat.streamed, wanted.include_usage, wanted.ignored) == (False, False, ())


@pytest.mark.parametrize(
    ("role", "meant"),
    [
        ("system", "system"),
        ("developer", "system"),
        ("user", "user"),
        ("assistant", "assistant"),
        ("tool", "tool"),
        ("function", "tool"),
    ],
)
def test_roles(role, meant):
    assert message(role=role).role == meant


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
)
def test_contents(content, parts):
    assert message(content=content).parts == parts


@pytest.mark.parametrize("name", [5, "..", "dir/"])
def test_a_file_name_that_is_none(name):
    with pytest.raises(RequestError):
        message(content=[{"type": "file", "file": {"file_data": "data:,x", "filename": name}}])


def test_only_the_newest_message_is_held_to_the_number_of_attachments():
    many = {"role": "user", "content": [{"type": "image", "image": f"https://x/{number}"} for number in range(21)]}
    next_one = {"role": "user", "content": "And now?"}
    assert len(parse(messages=[many, next_one]).chat.messages[0].attachments) == 21
    for messages in ([many], [next_one, many, {"role": "assistant", "content": "Yes."}]):
        with pytest.raises(RequestError, match="20 images and files"):
            parse(messages=messages)
    twice = {"role": "user", "content": many["content"][:20] * 2}
    assert len(parse(messages=[twice]).chat.messages[0].attachments) == 40


def test_a_conversation_with_a_tool():
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"q":1}'}}
    wanted = parse(
        messages=[
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "assistant", "tool_calls": [{**call, "function": {"name": "look", "arguments": {"q": "я"}}}]},
            {"role": "tool", "tool_call_id": "c1", "name": "look", "content": "42"},
        ]
    )
    asked, asked_again, result = wanted.chat.messages
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
        ({"n": 1}, "model", None),
        ({"tool_choice": "required"}, "tool_choice", "required"),
        ({"tool_choice": {"type": "function", "function": {"name": "look"}}}, "tool_choice", "look"),
    ],
)
def test_parameters(body, field, value):
    wanted = parse(**body)
    assert getattr(wanted.chat, field) == value
    assert wanted.ignored == ()


def test_tools():
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    offered = [
        {"type": "function", "function": {"name": "look", "description": "Look", "parameters": schema}},
        {"function": {"name": "bare", "parameters": None}},
    ]
    assert parse(tools=offered).chat.tools == (Tool("look", "Look", schema), Tool("bare"))
    assert parse(tools=offered, tool_choice="none").chat.tools == ()


def test_streaming_options():
    assert parse(stream=True).chat.streamed
    assert parse(stream=True, stream_options={"include_usage": True}).include_usage
    assert not parse(stream=True, stream_options={}).include_usage


def test_what_cannot_be_honoured_is_named():
    body = {"temperature": 0.5, "top_p": None, "logprobs": False, "response_format": {"type": "text"}, "user": "me"}
    assert parse(**body).ignored == ("temperature", "logprobs", "response_format", "user")
    assert parse(**{"x\r\ny": 1, "ключ": 1, "a" * 65: 1}).ignored == ()
    assert len(parse(**{f"p{number}": 1 for number in range(99)}).ignored) == 50


BAD = [
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "Hello"}, "messages"),
    ({"messages": ["Hello"]}, "messages[0]"),
    ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
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
    ({"max_tokens": -1}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"max_tokens": "5"}, "max_tokens"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"n": 0}, "n"),
    ({"n": "2"}, "n"),
    ({"enable_thinking": "yes"}, "enable_thinking"),
    ({"reasoning_effort": 3}, "reasoning_effort"),
    ({"reasoning_effort": "hihg"}, "reasoning_effort"),
    ({"reasoning_effort": "off", "enable_thinking": False}, "reasoning_effort"),
    ({"thinking_budget": 0}, "thinking_budget"),
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
    ({"tools": [{"type": "web_search"}]}, "tools[0]"),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0]"),
]


@pytest.mark.parametrize(("body", "field"), BAD)
def test_bad_input_is_named(body, field):
    with pytest.raises(RequestError) as caught:
        parse(**body)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "invalid_request", field)


@pytest.mark.parametrize(("body", "field"), UNSUPPORTED)
def test_what_is_not_supported_is_named(body, field):
    with pytest.raises(RequestError) as caught:
        parse(**body)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "unsupported_parameter", field)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["role", "content", "type", "text", "name", "function", "image_url", "url", "tool_calls", "include_usage"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(["messages", "tools", "tool_choice", "stop", "n", "stream_options"]), json_values)
)
def test_nothing_but_a_request_error_comes_of_any_body(body):
    try:
        parse_chat_request({**HELLO, **body})
    except RequestError as error:
        assert error.message and error.param


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
