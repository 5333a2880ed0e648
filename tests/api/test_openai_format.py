"""OpenAI's answers: what an answer's events look like as one object."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from qwenproxy.api.openai.format import completion_object
from qwenproxy.chat import (
    ChatRequest,
    Citation,
    Finish,
    Image,
    Message,
    Reasoning,
    Search,
    SearchResult,
    Started,
    Text,
    TextPart,
    Tick,
    ToolCall,
    Usage,
    call_events,
)
from qwenproxy.chat.answer import Answer


def run_of(answer: Answer, model: str = "m") -> Any:
    """Return as much of a run as the object needs."""
    return SimpleNamespace(answer=answer, model=model, chat=ChatRequest((Message("user", (TextPart("Hi"),)),)))


def test_a_whole_answer() -> None:
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
    body = completion_object(run_of(answer, "qwen3.8-max"))
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


def test_an_answer_of_calls_only() -> None:
    answer = Answer()
    for event in (*call_events(ToolCall("c1", "look", "{}")), Finish("tool_calls")):
        answer.add(event)
    (choice,) = completion_object(run_of(answer))["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
    }
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(("title", "shown"), [("Page", "Page"), ("", "https://x/p")])
def test_citations(title: str, shown: str) -> None:
    answer = Answer()
    page = SearchResult("https://x/p", title)
    for event in (Search((page,)), Text("As [1]"), Citation(3, 6, page), Text(" says."), Finish()):
        answer.add(event)
    (choice,) = completion_object(run_of(answer))["choices"]
    place = {"start_index": 3, "end_index": 6, "url": "https://x/p", "title": shown}
    assert choice["message"]["annotations"] == [{"type": "url_citation", "url_citation": place}]


def test_an_empty_answer_has_text() -> None:
    (choice,) = completion_object(run_of(Answer()))["choices"]
    assert choice["message"] == {"role": "assistant", "content": ""}


def test_an_answer_of_a_legacy_call() -> None:
    answer = Answer()
    for event in (
        *call_events(ToolCall("c1", "look", "{}")),
        *call_events(ToolCall("c2", "look", "{}")),
        Finish("tool_calls"),
    ):
        answer.add(event)
    (choice,) = completion_object(run_of(answer), legacy=True)["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "look", "arguments": "{}"},
    }
    assert choice["finish_reason"] == "function_call"
