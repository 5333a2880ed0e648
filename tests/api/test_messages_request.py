"""Anthropic's messages: what a body means."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic_talk import ASK
from spelling import spelled

from qwenproxy.api.anthropic.request import parse_message_request
from qwenproxy.chat import ChatRequest, FilePart, ImagePart, Message, Part, TextPart, ToolCall, WebSearch

TOOL = {
    "name": "look",
    "description": "Look",
    "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
}
CALL = '<tool_call>\n{"name": "look", "arguments": {"at": "x"}}\n</tool_call>'
USED = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "x"}}


def parsed(**body: Any) -> ChatRequest:
    return parse_message_request({**ASK, **body}).chat


def talk(*contents: Any) -> tuple[Message, ...]:
    """Return the messages of a conversation in which the user begins."""
    roles = ("user", "assistant")
    messages = [{"role": roles[at % 2], "content": content} for at, content in enumerate(contents)]
    return parsed(messages=messages).messages


def said(*parts: Part | str) -> Message:
    return Message("user", tuple(TextPart(part) if isinstance(part, str) else part for part in parts))


DATA = {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        (
            {"type": "image", "source": {"type": "url", "url": " https://x.example/a.png "}},
            [ImagePart("https://x.example/a.png")],
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
            [ImagePart("data:image/png;base64,QUJD")],
        ),
        ({"type": "document", "source": DATA}, [FilePart("data:application/pdf;base64,QUJD")]),
        (
            {"type": "document", "source": DATA, "title": "a.pdf", "context": "Of May"},
            ["Of May", FilePart("data:application/pdf;base64,QUJD", "a.pdf")],
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Words"}, "title": "T"},
            ["T", "Words"],
        ),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "In it"}]}},
            ["In it"],
        ),
        ({"type": "document", "source": {"type": "content", "content": "In it"}}, ["In it"]),
        (
            {
                "type": "search_result",
                "source": "https://s",
                "title": "S",
                "content": [{"type": "text", "text": "Found"}],
            },
            ["S", "https://s", "Found"],
        ),
        ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, ["a"]),
        ({"type": "thinking", "thinking": "Hm.", "signature": ""}, []),
        ({"type": "redacted_thinking", "data": "x"}, []),
        ({"type": "container_upload", "file_id": "x"}, []),
    ],
    ids=spelled,
)
def test_blocks_of_a_user(block: dict[str, Any], parts: list[Part | str]) -> None:
    assert talk([{"type": "text", "text": "See"}, block]) == (said("See", *parts),)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("plain", ("plain",)),
        ([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], ("one", "two")),
        ([{"type": "image", "source": {"type": "url", "url": "https://x"}}], (ImagePart("https://x"),)),
        ([{"type": "document", "source": DATA}], (FilePart("data:application/pdf;base64,QUJD"),)),
        (None, ()),
        ("", ()),
        ([], ()),
    ],
    ids=spelled,
)
@pytest.mark.parametrize("is_error", [False, True])
def test_results_come_before_what_their_turn_says(content: Any, parts: tuple[Part | str, ...], is_error: bool) -> None:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, "is_error": is_error}
    head = [TextPart("The call failed:")] if is_error else []
    inside = (*head, *said(*parts).parts)
    assert talk("Go", [USED], [{"type": "text", "text": "And?"}, result]) == (
        said("Go"),
        Message("assistant", (), tool_calls=(ToolCall("toolu_1", "look", '{"at":"x"}'),)),
        Message("tool", inside, tool_call_id="toolu_1"),
        said("And?"),
    )


def test_a_result_without_content() -> None:
    assert talk("Go", [USED], [{"type": "tool_result", "tool_use_id": "toolu_1"}])[-1] == Message(
        "tool", (), tool_call_id="toolu_1"
    )


def test_an_answer_comes_back_as_one_text() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "text", "text": "So [1]", "citations": []},
        {"type": "text", "text": " it is."},
        USED,
    ]
    assert talk("Go", blocks)[1] == Message(
        "assistant", (TextPart("So [1] it is."),), tool_calls=(ToolCall("toolu_1", "look", '{"at":"x"}'),)
    )


def test_turns_of_one_role_become_one() -> None:
    messages = [
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
    ]
    assert parsed(messages=[*messages, {"role": "assistant", "content": "d"}]).messages == (
        said("a", "b"),
        Message("assistant", (TextPart("c"), TextPart("d"))),
    )


def test_system_texts() -> None:
    block = {"type": "mid_conv_system", "content": [{"type": "text", "text": "new rule"}]}
    messages = [{"role": "user", "content": [{"type": "text", "text": "a"}, block]}]
    system = [{"type": "text", "text": "x-anthropic-billing-header: 1\nkept"}, {"type": "text", "text": "rule"}]
    assert parsed(system=system, messages=messages).messages == (
        Message("system", (TextPart("kept"), TextPart("rule"))),
        said("a"),
        Message("system", (TextPart("new rule"),)),
    )
    assert parsed(system="").messages == (said("Hello?"),)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("bash_20250124", "bash"),
        ("text_editor_20250124", "str_replace_editor"),
        ("text_editor_20250429", "str_replace_based_edit_tool"),
        ("text_editor_20250728", "str_replace_based_edit_tool"),
        ("memory_20250818", "memory"),
    ],
)
def test_tools_whose_schema_only_anthropic_knows(kind: str, name: str) -> None:
    (tool,) = parsed(tools=[{"type": kind, "name": name}]).tools
    assert (
        (tool.name, tool.parameters["type"]) == (name, "object") and tool.description and tool.parameters["properties"]
    )


@pytest.mark.parametrize(
    ("choice", "word", "offered", "parallel"),
    [
        ({"type": "auto"}, "auto", 1, True),
        ({"type": "any"}, "required", 1, True),
        ({"type": "tool", "name": "look", "disable_parallel_tool_use": True}, "look", 1, False),
        ({"type": "none"}, "none", 0, True),
        ({"type": "auto", "disable_parallel_tool_use": True}, "auto", 1, False),
        (None, "auto", 1, True),
    ],
    ids=spelled,
)
def test_choices(choice: Any, word: str, offered: int, parallel: bool) -> None:
    chat = parsed(tools=[TOOL], tool_choice=choice)
    assert (chat.tool_choice, len(chat.tools), chat.parallel_calls) == (word, offered, parallel)


def test_hosted_tools() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    message = parse_message_request(
        {
            **ASK,
            "tools": [TOOL, search, {"type": "web_fetch_20250910", "name": "web_fetch"}, {"type": "computer_20250124"}],
        }
    )
    assert message.chat.search == WebSearch(forced=False, max_uses=2)
    assert [tool.name for tool in message.chat.tools] == ["look"]
    assert message.ignored.names == ("tools.web_fetch_20250910", "tools.computer_20250124")
    forced = {"type": "tool", "name": "web_search"}
    assert parsed(tools=[TOOL, search], tool_choice=forced).search == WebSearch(forced=True, max_uses=2)


@pytest.mark.parametrize(
    "body",
    [
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        {"output_format": {"type": "json_schema", "schema": {"type": "object"}}},
    ],
    ids=spelled,
)
def test_documents(body: dict[str, Any]) -> None:
    message = parse_message_request({**ASK, **body})
    assert message.chat.document and message.chat.document.schema == {"type": "object"}
    assert message.ignored.names == ()


@pytest.mark.parametrize(
    ("body", "thinks", "thoughts"),
    [
        ({}, None, "hidden"),
        ({"thinking": {"type": "disabled"}}, False, "hidden"),
        ({"thinking": {"type": "adaptive"}}, True, "shown"),
        ({"thinking": {"type": "enabled", "budget_tokens": 32_000}}, True, "shown"),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, True, "omitted"),
        ({"output_config": {"effort": "high"}}, True, "hidden"),
        ({"enable_thinking": True}, True, "shown"),
    ],
    ids=spelled,
)
def test_thoughts(body: dict[str, Any], thinks: bool | None, thoughts: str) -> None:
    message = parse_message_request({**ASK, **body})
    assert (message.chat.thinking, message.thoughts) == (thinks, thoughts)
