"""An answer that goes on from a beginning which the request gives it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.chat import ChatRequest, Document, Event, Finish, Message, Text, TextPart, Tick, ToolCall
from qwenproxy.chat.corrections import Corrections
from qwenproxy.chat.prefill import beginning, without_repetition
from qwenproxy.chat.stages import stages_for

BEGUN = "Once upon"


def text_of(*pieces: str, begun: str = BEGUN) -> str:
    """Return the text that comes through, in the end with Finish."""
    events = list(without_repetition(iter([*map(Text, pieces), Finish()]), begun))
    assert events[-1] == Finish()
    return "".join(event.text for event in events if isinstance(event, Text))


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        pytest.param(" a time", " a time", id="no repetition"),
        pytest.param("Once upon a time", " a time", id="repetition"),
        pytest.param("\n Once upon a time", " a time", id="white space before it"),
        pytest.param("Once more", "Once more", id="the same begin"),
        pytest.param("Once", "Once", id="a part of it"),
        pytest.param("Once upon", "", id="nothing else"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_the_beginning_does_not_come_again(answer: str, rest: str) -> None:
    assert text_of(answer) == rest
    assert text_of(*answer) == rest
    for cut in range(len(answer)):
        assert text_of(answer[:cut], answer[cut:]) == rest


@given(st.text(min_size=1), st.text())
def test_any_text(begun: str, rest: str) -> None:
    assert text_of(*begun.lstrip(), *rest, begun=begun.lstrip() or "x") in (rest, begun.lstrip() + rest)


def test_ticks_pass_while_text_is_held() -> None:
    events: list[Event] = [Text("Onc"), Tick(), Text("e!"), Finish()]
    assert list(without_repetition(iter(events), BEGUN)) == [Tick(), Text("Once!"), Finish()]


@pytest.mark.parametrize(
    ("message", "begun"),
    [
        (Message("assistant", (TextPart(BEGUN),)), BEGUN),
        (Message("user", (TextPart(BEGUN),)), ""),
        (Message("assistant", (TextPart(BEGUN),), tool_calls=(ToolCall("c", "f", "{}"),)), ""),
    ],
    ids=["assistant", "user", "a call"],
)
def test_which_requests_give_a_beginning(message: Message, begun: str) -> None:
    assert beginning(ChatRequest((Message("user"), message))) == begun


DOCUMENT = Document({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("begun", "answer", "rest"),
    [
        pytest.param("{", '"a":1}', '"a":1}', id="goes on"),
        pytest.param("{", '{"a":1}', '"a":1}', id="repeats the beginning"),
        pytest.param('Here: {"a"', ":1} So it is.", ":1}", id="behind words"),
        pytest.param("Here it is:", '{"a":1}', '{"a":1}', id="words alone"),
    ],
)
def test_a_document_is_judged_with_its_beginning(begun: str, answer: str, rest: str, streamed: bool) -> None:
    messages = (Message("user"), Message("assistant", (TextPart(begun),)))
    request = ChatRequest(messages, document=DOCUMENT, streamed=streamed)
    for pieces in ([answer], list(answer)):
        events: Iterator[Event] = iter([*map(Text, pieces), Finish()])
        for stage in stages_for(request, Corrections()):
            events = stage(events)
        *texts, last = list(events)
        assert ("".join(event.text for event in texts if isinstance(event, Text)), last) == (rest, Finish())
