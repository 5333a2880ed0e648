"""An answer put together from its events."""

from __future__ import annotations

import pytest

from qwenproxy.chat import (
    ChatRequest,
    Finish,
    Image,
    Message,
    Reasoning,
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
