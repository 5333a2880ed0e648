"""A conversation in two: what goes into the file, what stays in the question, and that nothing is lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.chat import Message, Role, TextPart, ToolCall
from qwenproxy.upstream.dividing import SHORTEST_END, Divided, divide
from qwenproxy.upstream.folding import Frame, Note, sections

LIMIT = 3000
ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")
BEFORE, AFTER = Note("functions", "OFFER"), Note("the form", "DUTY")


def said(role: Role, text: str) -> Message:
    return Message(role, (TextPart(text),))


def marks_of(text: str, key: str) -> list[str]:
    return re.findall(rf"^\[(.+) {key}\]$", text, re.MULTILINE)


def divided(*messages: Message, before: tuple[Note, ...] = (), after: tuple[Note, ...] = ()) -> tuple[Divided, str]:
    """Return a conversation in two, and the key of its marks."""
    parts = divide(messages, Frame(before, after), LIMIT)
    assert parts
    return parts, sections(messages, Frame()).key


def test_the_older_part_goes_into_the_file_and_the_newest_message_stays() -> None:
    parts, key = divided(said("user", "a" * 4000), said("assistant", "b" * 10), said("user", "newest"))
    assert marks_of(parts.older, key) == ["user"]
    assert marks_of(parts.inline, key) == ["assistant", "user"]
    assert parts.inline.endswith(f"[user {key}]\nnewest")
    assert f"The attached file {parts.file_name} holds" in parts.inline
    assert key in parts.file_name and parts.file_name.endswith(".txt")
    assert len(parts.inline) <= LIMIT


def test_of_a_message_that_is_too_long_itself_the_end_stays() -> None:
    lines = "".join(f"line {number}\n" for number in range(1000))
    parts, key = divided(said("system", "Be kind."), said("user", lines))
    assert marks_of(parts.inline, key) == ["user goes on"]
    begin = parts.older.partition(f"[user {key}]\n")[2]
    end = parts.inline.partition(f"[user goes on {key}]\n")[2]
    assert begin + end == lines
    assert begin.endswith("\n") and len(end) > LIMIT // 2
    assert "Be kind." in parts.older


def test_notes_and_the_systems_words_stay_while_there_is_room() -> None:
    messages = (said("system", "Be kind."), said("user", "a" * 4000), said("user", "newest"))
    parts, key = divided(*messages, before=(BEFORE,), after=(AFTER,))
    assert marks_of(parts.inline, key) == ["functions", "system", "user", "the form"]
    assert marks_of(parts.older, key) == ["user"]


def test_a_long_offer_goes_into_the_file_before_anything_else() -> None:
    offer = Note("functions", "f" * 4000)
    parts, key = divided(said("user", "old"), said("user", "newest"), before=(offer,), after=(AFTER,))
    assert marks_of(parts.older, key) == ["functions"]
    assert marks_of(parts.inline, key) == ["user", "user", "the form"]


def test_what_comes_after_the_conversation_always_stays() -> None:
    duty = Note("the form", "d" * 5000)
    parts, key = divided(said("user", "a" * 4000), after=(duty,))
    assert parts.inline.endswith(duty.text)
    assert len(parts.inline.partition(f"[user goes on {key}]\n")[2]) >= SHORTEST_END + len(duty.text)


@pytest.mark.parametrize("messages", [(), (said("user", "short"),)], ids=["none", "one"])
def test_nothing_is_divided_where_only_the_duty_is_long(messages: tuple[Message, ...]) -> None:
    assert divide(messages, Frame((), (Note("the form", "d" * 5000),)), LIMIT) is None


def test_calls_and_results_keep_their_place() -> None:
    call = ToolCall("c1", "look", '{"q": "' + "x" * 4000 + '"}')
    messages = (
        said("user", "Look."),
        Message("assistant", tool_calls=(call,)),
        Message("tool", (TextPart("found"),), tool_call_id="c1"),
    )
    parts, key = divided(*messages)
    assert marks_of(parts.older, key) == ["user", 'assistant calls id="c1"']
    assert marks_of(parts.inline, key) == ['tool result id="c1" name="look"']


TEXTS = st.text("ab\n\n🙂 ", max_size=12).map(lambda text: text * 150)


@given(st.lists(st.tuples(st.sampled_from(ROLES), TEXTS), min_size=1, max_size=6), st.booleans())
def test_nothing_is_lost_and_nothing_changes_its_place(rows: list[tuple[Role, str]], has_notes: bool) -> None:
    messages = tuple(said(role, text) for role, text in rows)
    before, after = ((BEFORE,), (AFTER,)) if has_notes else ((), ())
    parts = divide(messages, Frame(before, after), LIMIT)
    if parts is None:
        return
    whole = sections(messages, Frame(before, after))
    *inline, newest = whole.messages
    left = [section for section in inline if section not in parts.older.split("\n\n")]
    for section in left:
        assert section in parts.older or section in parts.inline
    for note in (*whole.before, *whole.after):
        assert note in parts.inline or note in parts.older
    assert any(
        (not begin or parts.older.endswith(begin)) and end in parts.inline
        for begin, end in ((newest[:at], newest[at:]) for at in range(len(newest) + 1))
    )
    fixed = sum(map(len, whole.after)) + len(whole.head) + SHORTEST_END + 400
    assert len(parts.inline) <= max(LIMIT, fixed)
