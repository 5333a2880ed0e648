"""An answer put together from its events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.chat import (
    ChatRequest,
    Citation,
    Event,
    Finish,
    Image,
    Message,
    Reasoning,
    SearchResult,
    Text,
    TextPart,
    Tick,
    ToolCall,
    Usage,
    call_events,
)
from qwenproxy.chat.answer import Answer

QUESTION = ChatRequest((Message("system", (TextPart("12345"),)), Message("user", (TextPart("678"),))))


def answer_of(*events: object) -> Answer:
    answer = Answer()
    for event in events:
        answer.add(event)  # type: ignore[arg-type]
    return answer


def test_what_was_answered_becomes_a_message() -> None:
    call = ToolCall("c1", "look", "{}")
    said = (Reasoning("Hm."), Text("See "), Tick(), Image("https://x/y.png"))
    answer = answer_of(*said, *call_events(call), Finish("tool_calls"))
    assert answer.text == "See ![image](https://x/y.png)\n"
    assert answer.reasoning == "Hm."
    assert answer.message == Message("assistant", (TextPart(answer.text),), tool_calls=(call,))
    assert answer.finish == Finish("tool_calls")


PICTURE = Image("https://x/y.png")
PAGE = SearchResult("https://a.example/")


def test_events_of_a_whole_answer_keep_pictures_between_cited_texts() -> None:
    length = len(PICTURE.markdown)
    first, second = Citation(3, 6, PAGE), Citation(8 + length, 11 + length, PAGE)
    said = (
        Text("So "),
        Text("[1]"),
        first,
        Text("."),
        Text(" "),
        PICTURE,
        Text("[1]"),
        second,
        Text(" and more"),
        Finish(),
    )
    events = list(answer_of(*said).events())
    assert events == [Text("So [1]"), first, Text(". "), PICTURE, Text("[1]"), second, Text(" and more")]


@given(st.lists(st.one_of(st.just(PICTURE), st.text("ab", max_size=3).map(Text)), max_size=8))
def test_events_of_a_whole_answer_are_its_text_however_it_came(pieces: list[Event]) -> None:
    answer = answer_of(*pieces)
    again = answer_of(*answer.events())
    assert (again.text, list(again.events())) == (answer.text, list(answer.events()))


def test_an_answer_without_text_is_a_message_without_parts() -> None:
    assert Answer().message == Message("assistant")
    assert Answer().finish is None


@pytest.mark.parametrize(
    ("events", "counts"),
    [
        pytest.param((Usage(5, 1), Text("x"), Usage(5, 9, 4, 2)), Usage(5, 9, 4, 2), id="the site's last counts"),
        pytest.param((Text("1 2"),), Usage(21, 3), id="ours"),
        pytest.param((Reasoning("1234"), Text("1")), Usage(21, 5, 4), id="thoughts count"),
        pytest.param((*call_events(ToolCall("c", "look", "{}")),), Usage(21, 2), id="calls count"),
        pytest.param((), Usage(21, 0), id="nothing"),
    ],
)
def test_counts(events: tuple[object, ...], counts: Usage) -> None:
    assert answer_of(*events).counts(QUESTION) == counts
