"""Texts of messages: only while they are wanted, so many and no more, and of the request that said them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as some

from qwenproxy.observe.logs import NO_REQUEST, request_id
from qwenproxy.observe.texts import CHARACTERS, KEPT, MessageTexts, Texts


@pytest.fixture
def texts() -> Iterator[MessageTexts]:
    texts = MessageTexts()
    token = request_id.set("r")
    yield texts
    request_id.reset(token)


def test_nothing_is_kept_before_it_is_wanted_nor_after(texts: MessageTexts) -> None:
    texts.note_question([("user", "Hello?")])
    texts.note_answer("Hi.")
    assert not texts.is_on and texts.of("r") is None
    texts.switch(on=True)
    texts.note_question([("user", "Hello?")])
    assert texts.of("r") == Texts((("user", "Hello?"),))
    texts.note_answer("Hi.")
    assert texts.of("r") == Texts((("user", "Hello?"),), 0, "Hi.")
    texts.switch(on=False)
    texts.note_answer("More.")
    texts.switch(on=True)
    assert texts.of("r") is None


def test_so_many_requests_and_no_more(texts: MessageTexts) -> None:
    texts.switch(on=True)
    for number in range(KEPT + 1):
        request_id.set(str(number))
        texts.note_question([("user", str(number))])
    assert [texts.of(each) is None for each in ("0", "1", str(KEPT))] == [True, False, False]


def test_work_behind_a_request_is_of_none(texts: MessageTexts) -> None:
    texts.switch(on=True)
    request_id.set(NO_REQUEST)
    texts.note_question([("user", "Hello?")])
    assert texts.of(NO_REQUEST) is None


def test_the_end_of_one_long_message_and_the_begin_of_a_long_answer(texts: MessageTexts) -> None:
    texts.switch(on=True)
    texts.note_question([("user", "old"), ("user", "a" * CHARACTERS + "end")])
    texts.note_answer("begin" + "b" * CHARACTERS)
    kept = texts.of("r")
    assert kept and kept.answer and kept.left_out == 1
    [(_, text)] = kept.messages
    assert (len(text), text[-3:]) == (CHARACTERS, "end")
    assert (len(kept.answer), kept.answer[:5]) == (CHARACTERS, "begin")


@given(lengths=some.lists(some.integers(0, 2 * CHARACTERS), max_size=8))
def test_what_is_kept_is_bounded_and_is_the_end(lengths: list[int]) -> None:
    texts = MessageTexts()
    texts.switch(on=True)
    token = request_id.set("r")
    try:
        messages = [("user", f"{at % 10}" * length) for at, length in enumerate(lengths)]
        texts.note_question(messages)
        kept = texts.of("r")
    finally:
        request_id.reset(token)
    assert kept and sum(len(text) for _, text in kept.messages) <= CHARACTERS
    assert kept.left_out + len(kept.messages) == len(messages)
    for (_, text), (_, whole) in zip(kept.messages, messages[kept.left_out :], strict=True):
        assert whole.endswith(text)
