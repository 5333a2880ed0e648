"""An answer as server-sent events: frames, silence, failures."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fake_site import FakeSite
from questions import ask
from replies import CUT, TICK, Reply, answer
from transcripts import CREATED, DRAWN, KEEP_ALIVE, PICTURE, SEARCHED, SUMMED, counts, delta, end, frame

from qwenproxy.api import answering
from qwenproxy.api.openai.encoder import CompletionEncoder
from qwenproxy.chat import CallArguments, CallStarted, Reasoning, Text, Tick, Tool
from qwenproxy.errors import TabLost
from qwenproxy.history.conversations import Alone, Conversations, InChat
from qwenproxy.history.kept_answer import KeptAnswer
from qwenproxy.relay.questions import Relay

CALL = '<tool_call>{"name": "look", "arguments": {"q": "я"}}</tool_call>'


@pytest.fixture
def stream(make_conversations: Callable[[], Conversations], site: FakeSite) -> Callable[..., list[bytes]]:
    """Return a function that streams the answer to one request: the list of frames, comments included."""

    def stream(
        reply: Reply, chat: Any = None, gone: Callable[[], bool] = lambda: False, place: Any = None, **options: Any
    ) -> Any:
        site.script("a", reply)
        with make_conversations().answer(place or Alone(), chat or ask(), lambda: False) as kept:
            return list(answering.stream(kept, CompletionEncoder(**options), gone))

    return stream


def data_of(frame_bytes: bytes) -> Any:
    """Return the JSON of a data frame, its form checked."""
    assert frame_bytes.startswith(b"data: ") and frame_bytes.endswith(b"\n\n")
    assert frame_bytes.count(b"\n") == 2
    return json.loads(frame_bytes[6:])


def chunks_of(frame_list: list[bytes]) -> list[Any]:
    """Return the chunks of a complete answer."""
    *chunks, done = frame_list
    assert done == b"data: [DONE]\n\n"
    return [data_of(each) for each in chunks if not each.startswith(b":")]


def deltas(chunks: list[Any]) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]


def test_the_shape_of_a_streamed_answer(stream: Callable[..., list[bytes]]) -> None:
    chunks = chunks_of(stream(answer("Привет", " 🙂")))
    assert deltas(chunks) == [{"role": "assistant", "content": ""}, {"content": "Привет"}, {"content": " 🙂"}, {}]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "stop"]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert {chunk["model"] for chunk in chunks} == {"qwen3.8-max"}
    assert len({(chunk["id"], chunk["created"]) for chunk in chunks}) == 1
    assert chunks[0]["id"].startswith("chatcmpl-")
    assert all(list(chunk) == ["id", "object", "created", "model", "choices"] for chunk in chunks)


def test_json_is_compact_and_unescaped(stream: Callable[..., list[bytes]]) -> None:
    frame_bytes = stream(answer('"Я"\n\u2028🙂'))[1]
    assert b'"delta":{"content":' in frame_bytes
    assert '\\"Я\\"\\n\u2028🙂'.encode() in frame_bytes


@pytest.mark.parametrize("text", ['"@":""', "@", '{"@":""}'])
def test_no_text_or_model_name_breaks_the_frame(text: str) -> None:
    encoder = CompletionEncoder()
    encoder.begin(cast("KeptAnswer", SimpleNamespace(run=SimpleNamespace(model=f"model {text}", chat=ask()))))
    assert data_of(encoder.event(Text(text)))["choices"][0]["delta"] == {"content": text}
    assert data_of(encoder.event(Reasoning(text)))["model"] == f"model {text}"


def test_reasoning(stream: Callable[..., list[bytes]]) -> None:
    chunks = chunks_of(stream(Reply((SUMMED,))))
    assert deltas(chunks)[1:] == [
        {"reasoning_content": "Adding up\nSeven and"},
        {"reasoning_content": " eight."},
        {"reasoning_content": "\n\nChecking\nFifteen holds."},
        {"content": "15"},
        {},
    ]


def test_images_stand_in_the_text(stream: Callable[..., list[bytes]]) -> None:
    chunks = chunks_of(stream(Reply((DRAWN,))))
    assert deltas(chunks)[1] == {"content": f"![image]({PICTURE})\n"}


def test_a_search_leaves_no_frame_but_its_citations(stream: Callable[..., list[bytes]]) -> None:
    chunks = chunks_of(stream(Reply((SEARCHED,))))
    place = {"start_index": 3, "end_index": 6, "url": "https://news.example/a", "title": "A"}
    assert deltas(chunks)[1:] == [
        {"content": "As "},
        {"content": "[1]"},
        {"annotations": [{"type": "url_citation", "url_citation": place}]},
        {"content": " says."},
        {},
    ]


def test_calls_of_other_kinds_have_their_own_form() -> None:
    tools = (Tool("patch", freeform=True), Tool("team__spawn", namespace="team"))
    encoder = CompletionEncoder()
    encoder.begin(cast("KeptAnswer", SimpleNamespace(run=SimpleNamespace(model="m", chat=ask(tools=tools)))))
    events = (CallStarted("c1", "patch"), CallArguments("*** я"), CallStarted("c2", "team__spawn"), CallArguments("{}"))
    calls = [each["tool_calls"][0] for each in deltas([data_of(encoder.event(event)) for event in events])]
    spawn = {"name": "spawn", "namespace": "team", "arguments": ""}
    assert calls == [
        {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "patch", "input": ""}},
        {"index": 0, "custom": {"input": "*** я"}},
        {"index": 1, "id": "c2", "type": "function", "function": spawn},
        {"index": 1, "function": {"arguments": "{}"}},
    ]


def test_tool_calls_are_numbered(stream: Callable[..., list[bytes]]) -> None:
    chat = ask(tools=(Tool("look"),))
    chunks = chunks_of(stream(answer(CALL, "\n", CALL), chat))
    calls = [each["tool_calls"][0] for each in deltas(chunks) if "tool_calls" in each]
    first, arguments, second, _ = calls
    assert [call["index"] for call in calls] == [0, 0, 1, 1]
    assert first["id"] != second["id"]
    assert (first["type"], first["function"]) == ("function", {"name": "look", "arguments": ""})
    assert json.loads(arguments["function"]["arguments"]) == {"q": "я"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("reply", "usage"),
    [
        (answer("Hello", " world"), (7, 2, 0, 11)),
        (Reply((CREATED, delta("x", usage=counts(9, 7, 5)), end())), (9, 7, 5, 11)),
        (Reply((CREATED, delta("Think", "think"), delta("Hello world"), end())), (10, 3, 1, 0)),
    ],
    ids=["counts", "reasoning", "no-counts"],
)
def test_usage_is_one_more_chunk(
    stream: Callable[..., list[bytes]], reply: Reply, usage: tuple[int, int, int, int]
) -> None:
    chunks = chunks_of(stream(reply, include_usage=True))
    assert chunks[-1]["choices"] == []
    given, written, reasoned, cached = usage
    assert chunks[-1]["usage"] == {
        "prompt_tokens": given,
        "completion_tokens": written,
        "total_tokens": given + written,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoned},
    }
    assert all("usage" not in chunk for chunk in chunks[:-1])


def test_further_fields_stand_in_the_first_and_the_last_chunk(stream: Callable[..., list[bytes]]) -> None:
    chunks = chunks_of(stream(answer("a", "b"), place=InChat(), names_chat=True))
    first, *middle, last = [chunk.get("chatId") for chunk in chunks]
    assert first == last is not None
    assert middle == [None, None]


@pytest.mark.parametrize(("ticks", "comments"), [(9, 0), (10, 1), (19, 1), (20, 2), (35, 3)])
def test_silence_is_bridged(stream: Callable[..., list[bytes]], ticks: int, comments: int) -> None:
    reply = Reply((CREATED, delta("a"), *[TICK] * ticks, delta("b"), *[TICK] * 9, end()))
    frame_list = stream(reply)
    assert frame_list.count(b": keep-alive\n\n") == comments
    assert [each.get("content") for each in deltas(chunks_of(frame_list))] == ["", "a", "b", None]


def test_counts_without_text_are_silence(stream: Callable[..., list[bytes]]) -> None:
    quiet = [part for number in range(6) for part in (*[TICK] * 5, delta("", usage=counts(1, number + 1)))]
    assert stream(Reply((CREATED, delta("a"), *quiet, end()))).count(b": keep-alive\n\n") == 3


def test_a_client_that_left_is_noticed_in_silence(stream: Callable[..., list[bytes]], site: FakeSite) -> None:
    ticks = iter(range(100))
    reply = Reply((CREATED, delta("a")), endless=True)
    frame_list = stream(reply, gone=lambda: next(ticks) >= 3)
    assert len(frame_list) == 2
    assert site.responses[-1].closed
    assert len(site.sent) == 1


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ((), "upstream_error"),
        ((TabLost("The tab went away."),), "upstream_error"),
        ((frame({"error": {"code": "internal_error", "details": "d"}}),), "upstream_error"),
        ((frame({"success": False, "data": {"code": "RateLimited", "num": 2}}),), "rate_limited"),
        ((frame({"error": {"code": "data_inspection_failed", "details": "d"}}),), "content_filter"),
        (("data: {broken\n\n",), "protocol_changed"),
    ],
    ids=["cut", "tab-lost", "internal-error", "rate-limit", "content", "not-json"],
)
def test_a_failure_after_the_first_byte(
    stream: Callable[..., list[bytes]], ending: Any, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        frame_list = stream(Reply((*CUT.chunks, *ending)), include_usage=True)
    *before, last = frame_list
    assert deltas([data_of(each) for each in before]) == [
        {"role": "assistant", "content": ""},
        {"content": "Half an ans"},
    ]
    assert data_of(last)["error"]["code"] == code
    assert set(data_of(last)) == {"error"}
    assert set(data_of(last)["error"]) == {"message", "type", "param", "code", "request_id"}
    assert "account=a" in caplog.text
    assert "Half an ans" not in caplog.text


def test_a_stall_after_the_first_byte(stream: Callable[..., list[bytes]]) -> None:
    reply = Reply((CREATED, delta("a")), endless=True)
    frame_list = stream(reply)
    assert data_of(frame_list[-1])["error"]["code"] == "upstream_timeout"
    assert frame_list.count(b": keep-alive\n\n") == 18


def test_an_unforeseen_failure_is_an_error_frame_too(
    stream: Callable[..., list[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    reply = Reply((CREATED, delta("a"), ValueError("secret words")))
    with caplog.at_level(logging.ERROR):
        frame_list = stream(reply)
    assert data_of(frame_list[-1])["error"]["code"] == "internal_error"
    assert "ValueError" in caplog.text
    assert "secret words" not in caplog.text + frame_list[-1].decode()


def test_keep_alives_of_the_site_are_no_frames(stream: Callable[..., list[bytes]]) -> None:
    frame_list = stream(Reply((CREATED, KEEP_ALIVE, delta("a"), KEEP_ALIVE, end())))
    assert len(frame_list) == 4


def test_ticks_are_no_frames(make_relay: Callable[..., Relay], site: FakeSite) -> None:
    site.script("a", Reply((CREATED, delta("a"), TICK, end())))
    with make_relay().open(ask()) as run:
        assert any(isinstance(event, Tick) for event in run)
