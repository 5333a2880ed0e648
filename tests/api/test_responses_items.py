"""Input items of the Responses API: what the model reads of each, and the form in which it is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qwenproxy.api.ignored import Ignored
from qwenproxy.api.openai.messages import parse_messages
from qwenproxy.api.responses.compaction import TRIGGER, kept_messages, sealed_summary
from qwenproxy.api.responses.items import Conversation, normalised
from qwenproxy.chat import FilePart, ImagePart, Message, TextPart, ToolCall
from qwenproxy.errors import RequestError

ASK = {"role": "user", "content": "Hello?"}
CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"a":1}'}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "found"}
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Yes.", "annotations": []}],
}
THOUGHTS = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}], "content": None}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}}
USER = Message("user", (TextPart("Hello?"),))
CALLING = Message("assistant", tool_calls=(ToolCall("c1", "look", '{"a":1}'),))
ANSWER = Message("assistant", (TextPart("Yes."),))
FOUND = Message("tool", (TextPart("found"),), tool_call_id="c1")


def read(items: Any, ignored: Ignored | None = None) -> tuple[Message, ...]:
    conversation = Conversation(ignored or Ignored())
    for index, item in enumerate(normalised(items)):
        conversation.add(item, f"input[{index}]")
    return tuple(conversation.messages)


CASES: dict[str, tuple[Any, tuple[Message, ...]]] = {
    "a string": ("Hello?", (USER,)),
    "nothing": ([], ()),
    "without a type": ([ASK], (USER,)),
    "developer": ([{"role": "developer", "content": "Be brief."}], (Message("system", (TextPart("Be brief."),)),)),
    "an assistant's string": ([{"role": "assistant", "content": "Yes."}], (ANSWER,)),
    "a phase": ([{**SAID, "phase": "commentary"}], (ANSWER,)),
    "a refusal": (
        [{"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}],
        (Message("assistant", (TextPart("No."),)),),
    ),
    "a call and its result": ([ASK, CALL, RESULT], (USER, CALLING, FOUND)),
    "two calls at once": (
        [ASK, CALL, {**CALL, "call_id": "c2"}, RESULT, {**RESULT, "call_id": "c2"}],
        (
            USER,
            Message("assistant", tool_calls=(*CALLING.tool_calls, ToolCall("c2", "look", '{"a":1}'))),
            FOUND,
            Message("tool", (TextPart("found"),), tool_call_id="c2"),
        ),
    ),
    "text and a call are one answer": (
        [ASK, THOUGHTS, SAID, CALL, RESULT, THOUGHTS, SAID],
        (USER, Message("assistant", (TextPart("Yes."),), tool_calls=CALLING.tool_calls), FOUND, ANSWER),
    ),
    "text around a search is one text": (
        [ASK, SEARCH, SAID, SEARCH, THOUGHTS, SAID],
        (USER, Message("assistant", (TextPart("Yes.Yes."),))),
    ),
    "two texts in a row are two": ([ASK, SAID, SAID], (USER, ANSWER, ANSWER)),
    "a namespace": (
        [ASK, {**CALL, "namespace": "agents"}],
        (USER, Message("assistant", tool_calls=(ToolCall("c1", "agents__look", '{"a":1}'),))),
    ),
    "a custom tool": (
        [
            ASK,
            {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "*** Begin"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "found"}]},
        ],
        (USER, Message("assistant", tool_calls=(ToolCall("c1", "patch", "*** Begin"),)), FOUND),
    ),
    "a picture as a result": (
        [ASK, CALL, {**RESULT, "output": [{"type": "input_image", "image_url": "data:,x", "detail": "high"}]}],
        (USER, CALLING, Message("tool", (ImagePart("data:,x"),), tool_call_id="c1")),
    ),
    "a result that is an object": (
        [ASK, CALL, {**RESULT, "output": {"n": 1}}],
        (USER, CALLING, Message("tool", (TextPart('{"n":1}'),), tool_call_id="c1")),
    ),
    "a shell of OpenAI's": (
        [
            ASK,
            {"type": "shell_call", "call_id": "c1", "action": {"commands": ["ls"]}, "status": "completed"},
            {"type": "shell_call_output", "call_id": "c1", "output": [{"stdout": "a", "stderr": ""}]},
        ],
        (
            USER,
            Message("assistant", tool_calls=(ToolCall("c1", "shell", '{"commands":["ls"]}'),)),
            Message("tool", (TextPart('[{"stdout":"a","stderr":""}]'),), tool_call_id="c1"),
        ),
    ),
    "pictures and files": (
        [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Look:"},
                    {"type": "input_image", "image_url": "https://a.example/p.png", "detail": "auto"},
                    {"type": "input_file", "file_data": "data:application/pdf;base64,eA==", "filename": "a.pdf"},
                    {"type": "input_file", "file_url": "https://a.example/b.pdf"},
                ],
            }
        ],
        (
            Message(
                "user",
                (
                    TextPart("Look:"),
                    ImagePart("https://a.example/p.png"),
                    FilePart("data:application/pdf;base64,eA==", "a.pdf"),
                    FilePart("https://a.example/b.pdf"),
                ),
            ),
        ),
    ),
    "a compaction": (
        [ASK, sealed_summary("We talked.")],
        (USER, Message("user", (TextPart("What came before in this conversation, as a summary:\nWe talked."),))),
    ),
    "a compaction in the middle of what is kept": (
        [{"role": "system", "content": "S"}, ASK, TRIGGER, sealed_summary("We talked."), ASK],
        (
            Message("system", (TextPart("S"),)),
            Message("user", (TextPart("What came before in this conversation, as a summary:\nWe talked."),)),
            USER,
        ),
    ),
}


@pytest.mark.parametrize(("items", "messages"), CASES.values(), ids=CASES.keys())
def test_what_the_model_reads(items: Any, messages: tuple[Message, ...]) -> None:
    assert read(items) == messages


def test_an_answer_is_the_same_message_as_in_chat_completions() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
    answer = {"role": "assistant", "content": "Yes.", "tool_calls": [call]}
    messages = parse_messages([ASK, answer, {"role": "tool", "tool_call_id": "c1", "content": "found"}])
    assert read([ASK, SAID, CALL, RESULT]) == messages


REFUSED: dict[str, tuple[Any, str]] = {
    "a number": (123, "input"),
    "an object": ({"role": "user"}, "input"),
    "an item that is no object": (["Hello?"], "input[0]"),
    "an item of no kind": ([{"text": "x"}], "input[0].type"),
    "a role": ([{"role": "tool", "content": "x"}], "input[0].role"),
    "content": ([{"role": "user", "content": 5}], "input[0].content"),
    "a part": ([{"role": "user", "content": [5]}], "input[0].content[0]"),
    "only unknown parts": ([{"role": "user", "content": [{"type": "hologram"}]}], "input[0].content[0]"),
    "a file's id": (
        [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}],
        "input[0].content[0].file_id",
    ),
    "a result without its call": ([ASK, RESULT], "input"),
    "a call without an id": ([{**CALL, "call_id": None}], "input[0].call_id"),
    "a call without a name": ([{**CALL, "name": ""}], "input[0].name"),
    "an unknown reference": ([{"type": "item_reference", "id": "msg_x"}], "input[0].id"),
    "a foreign compaction": ([{"type": "compaction", "encrypted_content": "gAAA"}], "input[0].encrypted_content"),
    "a broken compaction": (
        [{"type": "compaction", "encrypted_content": "qwenproxy1.!!"}],
        "input[0].encrypted_content",
    ),
}


@pytest.mark.parametrize(("items", "param"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused(items: Any, param: str) -> None:
    with pytest.raises(RequestError) as refusal:
        read(items)
    assert refusal.value.param == param


def test_what_says_nothing_to_the_model_is_named() -> None:
    ignored = Ignored()
    assert read([ASK, {"type": "computer_call", "call_id": "c9"}, {"type": "mcp_list_tools"}, THOUGHTS], ignored) == (
        USER,
    )
    assert ignored.names == ("input.computer_call",)


def test_kept_items_have_an_id_a_type_and_parts() -> None:
    items = normalised([ASK, CALL, RESULT, SAID, {"role": "assistant", "content": "Yes."}, TRIGGER])
    assert [item["type"] for item in items] == [
        "message", "function_call", "function_call_output", "message", "message", "compaction_trigger",
    ]  # fmt: skip
    assert [item["id"].split("_")[0] for item in items] == ["msg", "fc", "fco", "msg", "msg", "item"]
    assert items[0]["content"] == [{"type": "input_text", "text": "Hello?"}]
    assert items[4]["content"][0]["type"] == "output_text"
    assert items[3]["id"] == "msg_1"
    assert len({item["id"] for item in items}) == len(items)


def test_what_is_kept_reads_the_same_again() -> None:
    for items, messages in CASES.values():
        assert read(json.loads(json.dumps(normalised(items)))) == messages


def test_references_become_what_they_name() -> None:
    kept = {"msg_1": SAID}
    (item,) = normalised([{"type": "item_reference", "id": "msg_1"}], kept.get)
    (bare,) = normalised([{"id": "msg_1"}], kept.get)
    assert item == bare == SAID


def test_a_compaction_keeps_the_newest_messages_of_the_user() -> None:
    long = {"role": "user", "content": "x" * 30_000}
    items = normalised([{"role": "developer", "content": "D"}, {**long, "id": "old"}, SAID, long, CALL, ASK])
    assert [item["id"] for item in kept_messages(items)] == [items[0]["id"], items[3]["id"], items[5]["id"]]
