"""A research in a chat, on a clock that runs as fast as it is read: both turns, an hour of silence, its sources."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

import pytest
from kept_chats import KeptChats
from replies import JSON, TICK, Reply, refusal

from qwenproxy.sandbox.faults.oddities import Frames
from qwenproxy.sandbox.media import researching
from qwenproxy.sandbox.model.stream import FrameWriter
from qwenproxy.sandbox.switches import Switches

HOUR = 3600  # seconds
KEEP_ALIVE = b": keep-alive\n\n"
WISH = {"chatType": "deep_research"}
MODEL = {"id": "qwen3.8-max", "info": {"is_active": True, "meta": {"chat_type": ["t2t", "deep_research"]}}}
MODELS = Reply((json.dumps({"data": {"data": [MODEL]}}),), headers=JSON)


def writer() -> FrameWriter:
    return FrameWriter("up-1", "P1", "R1", 10)


def said(frames: Frames) -> Reply:
    """Return the frames as the site sends them, each after its silence."""
    return Reply(tuple(piece for pause, frame in frames for piece in (*[TICK] * int(pause), frame.decode())))


@pytest.fixture
def scholar(chats: KeptChats) -> KeptChats:
    """A server whose site asks back, then is silent for an hour, but for its own signs of life."""
    switches = Switches(research_s=HOUR, keep_alive_s=170)
    report = said(researching.research("ferries", writer(), switches))
    chats.site.always("a", MODELS, call="models")
    chats.site.script("a", said(researching.ask_back(writer())), report)
    return chats


def begin(scholar: KeptChats) -> str:
    first = scholar.say("ferries", **WISH).get_json()
    assert first["choices"][0]["message"]["content"].strip() == researching.BACK
    chat_id: str = first["chatId"]
    return chat_id


def test_an_hour_of_silence_has_signs_of_life_and_ends_with_the_report(scholar: KeptChats) -> None:
    chat_id = begin(scholar)
    before = scholar.site.clock()
    response = scholar.client.post("/api/chat", json={"message": "short", "chatId": chat_id, "stream": True, **WISH})
    pieces = list(cast("Iterable[bytes]", response.response))
    response.close()
    assert scholar.site.clock() - before >= HOUR
    signs = [number for number, piece in enumerate(pieces) if piece == KEEP_ALIVE]
    assert len(signs) >= HOUR / 10 - 1, "one after each ten seconds"
    deltas: list[Any] = [
        json.loads(piece[6:])["choices"][0]["delta"]
        for piece in pieces
        if piece.startswith(b"data: {") and b'"choices"' in piece
    ]
    text = "".join(delta.get("content") or "" for delta in deltas)
    assert text.startswith("# Report on ferries")
    assert "[[" not in text
    thoughts = "".join(delta.get("reasoning_content") or "" for delta in deltas)
    assert "I compare the sources" in thoughts
    cited = [each["url_citation"]["url"] for delta in deltas for each in delta.get("annotations", [])]
    assert cited == [page["url"] for page in researching.PAGES]
    assert pieces[-1] == b"data: [DONE]\n\n"
    assert scholar.kept(chat_id)[-1] == ("assistant", text)


def test_it_goes_on_where_it_asked_back(scholar: KeptChats) -> None:
    chat_id = begin(scholar)
    message = scholar.say("short", chatId=chat_id, **WISH).get_json()["choices"][0]["message"]
    cited = [each["url_citation"]["url"] for each in message["annotations"]]
    assert cited == [page["url"] for page in researching.PAGES]
    first, second = scholar.site.questions()
    assert (first["chat_id"], second["chat_id"]) == ("up-1", "up-1")
    assert second["parent_id"] is not None
    assert [question["messages"][0]["content"] for question in (first, second)] == ["ferries", "short"]
    assert {question["messages"][0]["chat_type"] for question in (first, second)} == {"deep_research"}


def test_a_site_that_gives_no_sign_of_life_itself_is_given_up(chats: KeptChats) -> None:
    frames = researching.research("ferries", writer(), Switches(research_s=HOUR, keep_alive_s=HOUR + 1.0))
    chats.site.always("a", MODELS, call="models")
    chats.site.script("a", said(researching.ask_back(writer())), said(frames))
    chat_id = begin(chats)
    response = chats.say("short", chatId=chat_id, **WISH)
    assert (response.status_code, response.get_json()["code"]) == (504, "upstream_timeout")
    assert [role for role, _ in chats.kept(chat_id)] == ["user", "assistant"]


def test_a_spent_day_rests_research_alone(chats: KeptChats) -> None:
    chats.site.always("a", MODELS, call="models")
    chats.site.script("a", refusal("RateLimited", "You've reached the upper limit for today's usage."))
    for _ in range(2):
        response = chats.say("ferries", **WISH)
        assert (response.status_code, response.get_json()["code"]) == (429, "rate_limited")
    assert len(chats.site.questions()) == 1
    assert chats.say("Hello?").status_code == 200
