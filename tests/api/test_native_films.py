"""Films in a chat: their address as the answer's text, signs of life before it, failures, and clients that leave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import pytest
from film_studio import ADDRESS, DONE, FAILED, PATH, RUNNING, SPENT, Studio
from kept_chats import folded
from replies import answer
from simple_websocket import Client

from qwenproxy.access.keys import KeyFile
from qwenproxy.api import answering
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.media import film_answer

PICTURE = {"type": "image", "image": "https://pictures.example/fox.png"}


def film(studio: Studio, message: object = "a fox runs", **wish: Any) -> Any:
    return studio.chats.say(message, **{"chatType": "t2v", **wish})


@pytest.fixture
def late(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Return an event; the film is there once that is set."""
    there = threading.Event()
    look = studio.films.watch._site.look
    monkeypatch.setattr(studio.films.watch._site, "look", lambda task: there.wait(20) and look(task))
    monkeypatch.setattr(film_answer, "TICK", 0.01)
    yield there
    there.set()


def test_a_film_is_the_answers_text(studio: Studio) -> None:
    studio.site.script("a", RUNNING, RUNNING, DONE, call="task")
    response = film(studio, model="qwen-max", size="9:16")
    assert response.status_code == 200
    body = response.get_json()
    assert body["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": ADDRESS},
        "logprobs": None,
        "finish_reason": "stop",
    }
    (question,) = studio.site.questions()
    message = question["messages"][0]
    assert (message["chat_type"], question["size"], message["content"]) == ("t2v", "9:16", "a fox runs")
    (video,) = studio.client.get(PATH).get_json()["data"]
    assert (video["status"], video["model"], video["prompt"]) == ("completed", "qwen-max", "a fox runs")


@pytest.mark.parametrize(("size", "ratio"), [(None, "16:9"), ("auto", "16:9"), ("1080x1920", "9:16"), ("1:1", "1:1")])
def test_sizes(studio: Studio, size: str | None, ratio: str) -> None:
    assert film(studio, size=size).status_code == 200
    assert studio.site.questions()[0]["size"] == ratio


def test_talk_after_it_knows_the_address(studio: Studio) -> None:
    studio.site.script("a", answer("Hello."))
    first = studio.chats.say("Hello?").get_json()["chatId"]
    assert film(studio, chatId=first).get_json()["chatId"] == first
    studio.site.script("a", answer("Nice."))
    assert studio.chats.say("Do you like it?", chatId=first).status_code == 200
    assert folded(studio.site.texts()[-1]) == [
        "user: Hello?",
        "assistant: Hello.",
        "user: a fox runs",
        f"assistant: {ADDRESS}",
        "user: Do you like it?",
    ]
    assert studio.site.texts()[1] == "a fox runs", "what was said before is no part of a film"
    studio.client.delete(f"/api/chats/{first}")
    assert studio.client.get(PATH).get_json()["data"][0]["status"] == "completed"
    assert ("a", "up-2") not in studio.site.deleted, "the film's chat belongs to its job"


def test_a_stream_with_signs_of_life(studio: Studio, late: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "KEEP_ALIVE_AFTER", 2)
    response = studio.client.post("/api/chat", json={"message": "a fox", "chatType": "t2v", "stream": True})
    pieces = iter(cast("Iterable[bytes]", response.response))
    first = json.loads(next(pieces)[6:])
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [next(pieces) for _ in range(3)] == [b": keep-alive\n\n"] * 3
    late.set()
    *frames, done = [piece for piece in pieces if not piece.startswith(b":")]
    parsed = [json.loads(frame[6:]) for frame in frames]
    assert done == b"data: [DONE]\n\n"
    assert parsed[0]["choices"][0]["delta"] == {"content": ADDRESS}
    assert (parsed[-1]["choices"][0]["finish_reason"], parsed[-1]["chatId"]) == ("stop", first["chatId"])
    assert studio.chats.kept(first["chatId"]) == [("user", "a fox"), ("assistant", ADDRESS)]


def test_a_client_that_leaves_loses_nothing(studio: Studio, late: threading.Event) -> None:
    response = studio.client.post("/api/chat", json={"message": "a fox", "chatType": "t2v", "stream": True})
    next(iter(cast("Iterable[bytes]", response.response)))
    response.close()
    (video,) = studio.client.get(PATH).get_json()["data"]
    assert video["status"] == "in_progress"
    late.set()
    assert studio.end_of(video)["status"] == "completed"
    assert studio.site.deleted == []
    assert studio.chats.files() == []


def test_a_film_that_fails(studio: Studio) -> None:
    studio.site.always("a", FAILED, call="task")
    response = film(studio)
    assert (response.status_code, response.get_json()["code"]) == (502, "upstream_error")
    assert "No such thing." in response.get_json()["error"]
    assert studio.chats.files() == []


def test_a_film_that_fails_in_a_stream(studio: Studio) -> None:
    studio.site.always("a", FAILED, call="task")
    text = film(studio, stream=True).text
    assert "No such thing." in text
    assert "[DONE]" not in text


def test_a_spent_day(studio: Studio) -> None:
    studio.site.script("a", SPENT)
    for _ in range(2):
        response = film(studio)
        assert (response.status_code, response.get_json()["code"]) == (429, "rate_limited")
    assert len(studio.site.questions()) == 1
    (account,) = studio.client.get("/api/status").get_json()["accounts"]
    assert (account["status"], list(account["resting"])) == ("OK", ["t2v"])


def test_a_server_that_ends_says_where_the_film_is(studio: Studio, late: threading.Event) -> None:
    studio.site.always("a", RUNNING, call="task")
    response = studio.client.post("/api/chat", json={"message": "a fox", "chatType": "t2v", "stream": True})
    pieces = iter(cast("Iterable[bytes]", response.response))
    next(pieces)
    studio.films.close()
    late.set()
    (video,) = studio.client.get(PATH).get_json()["data"]
    assert any(f"GET /v1/videos/{video['id']}".encode() in piece for piece in pieces)


@pytest.mark.parametrize(
    ("message", "wish", "told"),
    [
        ("a fox", {"chatType": "i2v"}, "There is no image to begin the film with"),
        ([PICTURE], {}, "Say in the message what to film"),
        ("x" * 32_001, {}, "at most 32000 characters"),
        ("a fox", {"size": "large"}, "size must be like"),
        ("a fox", {"chatType": "film"}, "chatType must be one of t2t, search, t2i, image_edit, t2v, i2v"),
        ([{"type": "text", "text": "a"}, {"type": "file", "file": "https://x.example/a.pdf"}], {}, "no other files"),
    ],
    ids=["no image", "no text", "too long", "no size", "no type", "a document"],
)
def test_a_bad_wish(studio: Studio, message: object, wish: dict[str, Any], told: str) -> None:
    response = film(studio, message, **wish)
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
    assert told in response.get_json()["error"]
    assert studio.site.questions() == []


def test_over_a_socket(studio: Studio, connect: Callable[..., Client]) -> None:
    key = KeyFile.open(SessionFolder(studio.chats.session_dir).keys).add("key-of-a-client")
    ws = connect()
    ws.send(json.dumps({"type": "auth", "key": key}))
    ws.send(json.dumps({"message": "a fox", "chatType": "t2v"}))
    events = [json.loads(ws.receive(timeout=20) or "") for _ in range(2)]
    assert events[0] == {"type": "delta", "text": ADDRESS}
    assert (events[1]["type"], events[1]["model"]) == ("done", "qwen-video")
    mine = {"headers": {"Authorization": f"Bearer {key}"}}
    assert len(studio.client.get(PATH, **mine).get_json()["data"]) == 1
