"""The tokens of a whole question, and whether it fits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.chat import ChatRequest, Document, FilePart, ImagePart, Message, TextPart, Tool, ToolCall
from qwenproxy.chat.token_counts import PER_ATTACHMENT, exceeds, question_tokens
from qwenproxy.tokenizer import counting

HELLO = ChatRequest((Message("user", (TextPart("Hello"),)),))
TOOL = Tool("look", "Looks something up.", {"type": "object", "properties": {"word": {"type": "string"}}})
CALL = ToolCall("c1", "look", '{"word":"Bern"}')


def test_a_question_counts_as_by_the_template_of_the_models() -> None:
    # <|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n
    assert question_tokens(HELLO) == 9


@pytest.mark.parametrize(
    "more",
    [
        replace(HELLO, messages=(Message("system", (TextPart("Be kind."),)), *HELLO.messages)),
        replace(HELLO, messages=(*HELLO.messages, Message("assistant", tool_calls=(CALL,)))),
        replace(HELLO, messages=(*HELLO.messages, Message("tool", (TextPart("A town."),), tool_call_id="c1"))),
        replace(HELLO, messages=(Message("user", (TextPart("Hello"), ImagePart("u"))),)),
        replace(HELLO, messages=(Message("user", (TextPart("Hello"), FilePart("u"))),)),
        replace(HELLO, tools=(TOOL,)),
        replace(HELLO, document=Document({"type": "object"})),
    ],
    ids=["system", "call", "result", "image", "file", "tool", "document"],
)
def test_everything_counts(more: ChatRequest) -> None:
    assert question_tokens(more) > question_tokens(HELLO)


def test_an_image_counts_as_a_picture_of_a_thousand_by_a_thousand() -> None:
    seen = Message("user", (TextPart("Hello"), ImagePart("data:image/png;base64," + "A" * 10_000)))
    assert question_tokens(replace(HELLO, messages=(seen,))) == 9 + PER_ATTACHMENT


@given(st.lists(st.text(max_size=30), max_size=5), st.integers(1, 80))
def test_what_exceeds_is_found_exactly(texts: list[str], maximum: int) -> None:
    chat = ChatRequest(tuple(Message("user", (TextPart(text),)) for text in texts))
    tokens = question_tokens(chat)
    found = exceeds(chat, maximum)
    assert (found is not None) == (tokens > maximum)
    assert found is None or found > maximum


def test_a_short_question_needs_no_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(counting, "encoding")
    assert exceeds(HELLO, 13) is None
