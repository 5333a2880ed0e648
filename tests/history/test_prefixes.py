"""What stands for the beginnings of a conversation: what changes it, and what does not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.chat import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    Role,
    TextPart,
    Tool,
    ToolCall,
    WebSearch,
)
from qwenproxy.history.prefixes import MAX_LOOKED_UP, Prefixes

PIXEL = base64.b64encode(bytes(range(200))).decode()
LOOK = Tool("look", "Looks.", {"type": "object", "properties": {"q": {}, "r": {}}})


def said(role: Role, *parts: str | Part, **more: Any) -> Message:
    return Message(role, tuple(TextPart(part) if isinstance(part, str) else part for part in parts), **more)


CALLS = said("assistant", tool_calls=(ToolCall("c1", "look", '{"q":1,"r":[2]}'), ToolCall("c2", "look", "{}")))
TALK = (
    said("system", "Be brief."),
    said("user", "Look.", ImagePart(f"data:image/png;base64,{PIXEL}")),
    CALLS,
    said("tool", "Seen one.", tool_call_id="c1"),
    said("tool", "Seen two.", tool_call_id="c2"),
    said("assistant", "There it is."),
    said("user", "Well?"),
)
REQUEST = ChatRequest(TALK, "qwen-max", tools=(LOOK,), client="k")


def whole(request: ChatRequest) -> bytes:
    return Prefixes(request).whole


def with_message(number: int, message: Message) -> ChatRequest:
    messages = list(TALK)
    messages[number] = message
    return replace(REQUEST, messages=tuple(messages))


def called(*calls: ToolCall) -> Message:
    return replace(CALLS, tool_calls=calls)


ONE, TWO = CALLS.tool_calls
SAME = {
    "white space around": with_message(6, said("user", "\n Well? \t")),
    "white space around a system text": with_message(0, said("system", " Be brief.\n")),
    "a client's mark": with_message(0, said("system", "x-anthropic-billing-header: cch=1f2;\nBe brief.")),
    "an empty text": with_message(6, said("user", "", "Well?", "")),
    "order of arguments": with_message(2, called(replace(ONE, arguments='{ "r": [2.0],\n"q": 1 }'), TWO)),
    "no arguments": with_message(2, called(ONE, replace(TWO, arguments=""))),
    "base64 in lines, without padding": with_message(
        1, said("user", "Look.", ImagePart(f"data:image/png;base64,{PIXEL[:70]}\n{PIXEL[70:]}".rstrip("=")))
    ),
    "base64 for addresses": with_message(
        1, said("user", "Look.", ImagePart("data:;base64," + PIXEL.replace("+", "-").replace("/", "_")))
    ),
    "the name of a result": with_message(3, said("tool", "Seen one.", tool_call_id="c1", name="look")),
    "how it is answered": replace(REQUEST, streamed=True, max_tokens=7, stop=("x",), tool_choice="required"),
    "how a schema is written": replace(
        REQUEST, tools=(replace(LOOK, parameters={"properties": {"r": {}, "q": {}}, "type": "object"}),)
    ),
}
OTHER = {
    "white space within": with_message(6, said("user", "Well ?")),
    "a role": with_message(6, said("system", "Well?")),
    "a name": with_message(6, said("user", "Well?", name="anna")),
    "a system text": with_message(0, said("system", "Be long.")),
    "a value": with_message(2, called(replace(ONE, arguments='{"q":1,"r":[3]}'), TWO)),
    "true is not 1": with_message(2, called(replace(ONE, arguments='{"q":true,"r":[2]}'), TWO)),
    "a function": with_message(2, called(replace(ONE, name="read"), TWO)),
    "results of the other call": replace(
        REQUEST,
        messages=(*TALK[:3], replace(TALK[3], tool_call_id="c2"), replace(TALK[4], tool_call_id="c1"), *TALK[5:]),
    ),
    "an image": with_message(1, said("user", "Look.", ImagePart("data:image/png;base64,AAAA"))),
    "an address": with_message(1, said("user", "Look.", ImagePart("https://a.example/1.png"))),
    "a file is no image": with_message(1, said("user", "Look.", FilePart(f"data:image/png;base64,{PIXEL}"))),
    "the image before the text": with_message(1, said("user", ImagePart(f"data:image/png;base64,{PIXEL}"), "Look.")),
    "a client": replace(REQUEST, client="l"),
    "a model": replace(REQUEST, model="qwen-plus"),
    "no functions": replace(REQUEST, tools=()),
    "a description": replace(REQUEST, tools=(replace(LOOK, description="Sees."),)),
    "thinking": replace(REQUEST, thinking=True),
    "a budget": replace(REQUEST, thinking=True, thinking_budget=100),
    "search": replace(REQUEST, search=WebSearch()),
    "search at once": replace(REQUEST, search=WebSearch(forced=True)),
}


@pytest.mark.parametrize("request_", SAME.values(), ids=SAME)
def test_what_means_nothing(request_: ChatRequest) -> None:
    assert whole(request_) == whole(REQUEST)


def test_ids_of_calls_mean_nothing() -> None:
    renamed = {"c1": "call_x", "c2": "call_y", None: None}
    messages = tuple(
        replace(
            message,
            tool_calls=tuple(replace(call, id=str(renamed[call.id])) for call in message.tool_calls),
            tool_call_id=renamed[message.tool_call_id],
        )
        for message in TALK
    )
    assert whole(replace(REQUEST, messages=messages)) == whole(REQUEST)


@pytest.mark.parametrize("request_", OTHER.values(), ids=OTHER)
def test_what_means_something(request_: ChatRequest) -> None:
    assert whole(request_) != whole(REQUEST)


def test_all_of_these_differ() -> None:
    assert len({whole(request) for request in OTHER.values()}) == len(OTHER)


def test_a_freeform_call_is_text() -> None:
    def request(text: str) -> ChatRequest:
        messages = (said("user", "x"), said("assistant", tool_calls=(ToolCall("c", "patch", text),)))
        return ChatRequest(messages, tools=(Tool("patch", freeform=True),))

    assert whole(request('{"a":1}')) != whole(request('{"a": 1}'))
    assert whole(request("*** Begin")) != whole(request("*** begin"))


@pytest.mark.parametrize(
    "text", ["no json", "[" * 100_000, '{"a":', "NaN", "\ud800", '{"n":123456789012345678901234567890}']
)
def test_odd_arguments(text: str) -> None:
    request = with_message(2, called(replace(ONE, arguments=text), TWO))
    assert whole(request) == whole(with_message(2, called(replace(ONE, arguments=f" {text}"), TWO)))
    assert whole(request) != whole(REQUEST)


def test_beginnings_that_leave_something_to_ask() -> None:
    beginnings = Prefixes(REQUEST).continuable()
    assert list(beginnings.values()) == [6, 3]
    assert list(Prefixes(replace(REQUEST, messages=TALK[:6])).continuable().values()) == [3]
    assert Prefixes(replace(REQUEST, messages=TALK[:1])).continuable() == {}
    assert Prefixes(replace(REQUEST, messages=())).continuable() == {}


def test_what_stands_after_the_answer_is_the_beginning_of_the_next_request() -> None:
    for number, message in enumerate(TALK):
        if message.role == "assistant":
            before = Prefixes(replace(REQUEST, messages=TALK[:number]))
            assert before.after(message) in Prefixes(REQUEST).continuable()
            assert before.after(message) == before.after(message), "it changes nothing"


def test_a_long_conversation_is_looked_up_by_its_end() -> None:
    turns = (said("user", "a"), said("assistant", "b")) * 500
    beginnings = Prefixes(ChatRequest((*turns, said("user", "c")))).continuable()
    assert len(beginnings) == MAX_LOOKED_UP
    assert next(iter(beginnings.values())) == 1000


TEXTS = st.text(st.characters(exclude_categories=()), max_size=6)
MESSAGES = st.lists(st.builds(said, st.sampled_from(["system", "user", "assistant"]), TEXTS), max_size=5).map(tuple)


@given(MESSAGES, MESSAGES)
def test_two_conversations_are_the_same_only_if_their_messages_are(
    one: tuple[Message, ...], other: tuple[Message, ...]
) -> None:
    assert (whole(ChatRequest(one)) == whole(ChatRequest(other))) == (meaning(one) == meaning(other))


def meaning(messages: tuple[Message, ...]) -> tuple[str, list[tuple[str, str]]]:
    plain: list[tuple[str, str]] = [(message.role, message.text.strip()) for message in messages]
    number = next((number for number, (role, _) in enumerate(plain) if role != "system"), len(plain))
    return "\n\n".join(text for _, text in plain[:number]).strip(), plain[number:]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(TEXTS, JSON, max_size=4))
def test_arguments_in_another_spelling(arguments: dict[str, Any]) -> None:
    spellings: list[Callable[[Any], str]] = [
        json.dumps,
        lambda value: json.dumps(value, indent=1, ensure_ascii=False),
        lambda value: json.dumps(dict(reversed(list(value.items())))),
    ]
    digests = {whole(with_message(2, called(replace(ONE, arguments=write(arguments)), TWO))) for write in spellings}
    assert len(digests) == 1
