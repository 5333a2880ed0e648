"""Conversations that are too long for a question: a file and a question that together hold every word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_stack import Stack

from qwenproxy.observe import journal
from qwenproxy.sandbox import Fault, Sandbox, Switches

LINE = "Число {:06}: the quick brown fox, 你好, jumps over \x07 the lazy dog.\n"
ECHO = "And what did I say first? {{echo}}"
CREDENTIALS = "/api/v2/files/getstsToken"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(accounts=1, switches=Switches(interval_ms=1, busy_release_s=0.05)) as site:
        yield site


@pytest.fixture
def site(running: Sandbox) -> Iterator[Sandbox]:
    running.clear()
    yield running
    running.clear()


@pytest.fixture
def stack(site: Sandbox, tmp_path: Path, pauses: list[float]) -> Iterator[Stack]:
    stack = Stack(site, tmp_path / "session", pause=pauses.append)
    yield stack
    stack.close()


def long_conversation(characters: int) -> list[dict[str, Any]]:
    turn = "".join(map(LINE.format, range(100)))
    rounds = characters // len(turn) // 2 + 1
    turns = [{"role": role, "content": f"{at}\n{turn}"} for at in range(rounds) for role in ("user", "assistant")]
    return [{"role": "system", "content": "Be kind."}, *turns, {"role": "user", "content": ECHO}]


def asked(stack: Stack, messages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Ask with messages whose last one lets the model repeat what it saw; return the message of it."""
    answer = stack.client.post("/v1/chat/completions", json={"messages": messages, **more})
    assert answer.status_code == 200, answer.text
    seen: dict[str, Any] = json.loads(answer.get_json()["choices"][0]["message"]["content"])[-1]
    return seen


def stored(site: Sandbox, since: int = 0) -> list[Any]:
    return [file for file in site.files[since:] if file.name.startswith("context-")]


def test_a_long_conversation_arrives_whole(stack: Stack, site: Sandbox) -> None:
    before = len(site.files)
    messages = long_conversation(200_000)
    heard: list[journal.Event] = []
    with journal.Subscription(heard.append):
        seen = asked(stack, messages)
    (file,) = stored(site, before)
    older = file.data.decode()
    assert file.content_type == "text/plain"
    assert [entry["id"] for entry in seen["files"]] == [file.id]
    assert file.name in seen["content"] and len(seen["content"]) <= 45_000
    assert len(older + seen["content"]) > 200_000
    for message in messages:
        assert message["content"] in older or message["content"] in seen["content"]
    (event,) = [each for each in heard if isinstance(each, journal.SentAsFile)]
    assert (event.older, event.inline) == (len(older), len(seen["content"]))
    marks = r"\[(?:user|assistant) ([0-9a-f]{12})\]\n(\d+)\n"
    order = re.findall(marks, older + seen["content"])
    assert [int(number) for _, number in order] == [at // 2 for at in range(len(messages) - 2)]
    assert len({key for key, _ in order}) == 1


def test_of_one_long_message_the_end_is_the_question(stack: Stack, site: Sandbox) -> None:
    before = len(site.files)
    text = "".join(map(LINE.format, range(1500))) + ECHO
    seen = asked(stack, [{"role": "user", "content": text}])
    (file,) = stored(site, before)
    begin = file.data.decode().partition("]\n")[2]
    end = re.split(r"\[user goes on [0-9a-f]{12}\]\n", seen["content"])[1]
    assert begin + end == text


def test_the_same_text_is_uploaded_once(stack: Stack, site: Sandbox) -> None:
    before = len(site.files)
    messages = long_conversation(60_000)
    assert asked(stack, messages)["content"] == asked(stack, messages)["content"]
    assert len(stored(site, before)) == 1


def test_a_text_within_the_limit_stays_as_it_is(stack: Stack, site: Sandbox) -> None:
    before = len(site.files)
    text = "x" * (45_000 - len(ECHO)) + ECHO
    seen = asked(stack, [{"role": "user", "content": text}])
    assert seen["content"] == text
    assert stored(site, before) == []


@pytest.mark.parametrize("kind", ["rate_limited", "internal_error", "bad_request"])
def test_what_the_site_does_not_take_as_a_file_goes_whole(stack: Stack, site: Sandbox, kind: str) -> None:
    before = len(site.files)
    site.add_fault(Fault(kind=kind, path=CREDENTIALS, times=None))
    messages = long_conversation(60_000)
    seen = asked(stack, messages)
    assert all(message["content"] in seen["content"] for message in messages)
    assert stored(site, before) == []
    tries = [request for request in site.requests if request.path == CREDENTIALS]
    asked(stack, messages)
    again = [request for request in site.requests if request.path == CREDENTIALS]
    # An account that is over its limit of uploads is not asked for one again.
    assert (len(again) == len(tries)) == (kind == "rate_limited")
    assert stack.client.get("/health").get_json()["accounts"]["OK"] == 1


def test_a_document_that_the_site_cannot_read_goes_whole(stack: Stack, site: Sandbox) -> None:
    site.switches.parse_outcome = "failed"
    try:
        seen = asked(stack, long_conversation(60_000))
    finally:
        site.switches.parse_outcome = "success"
    assert "Be kind." in seen["content"] and len(seen["content"]) > 60_000


def test_a_later_turn_of_a_kept_chat_sends_only_what_is_new(stack: Stack, site: Sandbox) -> None:
    before = len(site.files)
    first = stack.client.post("/api/chat", json={"message": "".join(map(LINE.format, range(1500)))}).get_json()
    assert len(stored(site, before)) == 1
    answer = stack.client.post("/api/chat", json={"message": ECHO, "chatId": first["chatId"]}).get_json()
    (*_, question) = json.loads(answer["choices"][0]["message"]["content"])
    assert question["content"] == ECHO
    assert len(stored(site, before)) == 1


def test_images_keep_their_numbers_beside_the_file(stack: Stack, site: Sandbox) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lGODlhAQABAAAAACw="}}
    messages = long_conversation(60_000)
    messages[-1] = {"role": "user", "content": [picture, {"type": "text", "text": ECHO}]}
    seen = asked(stack, messages)
    assert [entry["file_class"] for entry in seen["files"]] == ["vision", "document"]
    assert re.search(r"^\[image 1 [0-9a-f]{12}\]$", seen["content"], re.MULTILINE)
