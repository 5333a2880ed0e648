"""The one way from a request to its answer: signs of life before there is one, and what becomes of it then."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fake_site import FakeSite
from fake_tabs import FakeOpener
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from makers import MakeConversations
from questions import ask
from replies import Reply, refusal
from transcripts import CREATED, delta, end

from qwenproxy.api import answering
from qwenproxy.api.completions.encoder import TextEncoder
from qwenproxy.api.errors import register_errors
from qwenproxy.api.wire import WireApi
from qwenproxy.chat import waiting
from qwenproxy.errors import TabLost
from qwenproxy.history.conversations import Alone

ASK = {"messages": [{"role": "user", "content": "Hello?"}], "stream": True}
KEEP_ALIVE = b": keep-alive\n\n"


@contextmanager
def begun(client: FlaskClient) -> Iterator[Iterator[bytes]]:
    """Give the pieces of a stream as they come."""
    response = client.post("/v1/chat/completions", json=ASK)
    assert response.status_code == 200
    assert response.mimetype == "text/event-stream"
    yield response.iter_encoded()
    response.close()


def test_a_stream_begins_with_signs_of_life_while_a_browser_opens(
    client: FlaskClient, browser: threading.Event
) -> None:
    with begun(client) as pieces:
        assert next(pieces) == KEEP_ALIVE
        browser.set()
        rest = [piece for piece in pieces if piece != KEEP_ALIVE]
    assert json.loads(rest[0][6:])["choices"][0]["delta"]["role"] == "assistant"
    assert rest[-1] == b"data: [DONE]\n\n"


def test_another_account_takes_over_behind_signs_of_life(
    make_client: Callable[..., FlaskClient], site: FakeSite, browser: threading.Event
) -> None:
    site.script("a", refusal("RateLimited", "You've reached the upper limit for today's usage.", num=6))
    with begun(make_client(2)) as pieces:
        assert next(pieces) == KEEP_ALIVE
        browser.set()
        assert b"Hello" in b"".join(pieces)
    assert site.asked() == ["a", "b"]


def test_what_goes_wrong_behind_signs_of_life_is_told_in_the_stream(
    client: FlaskClient, opener: FakeOpener, browser: threading.Event
) -> None:
    opener.errors["a"].extend([TabLost("The tab went away."), TabLost("The tab went away.")])
    with begun(client) as pieces:
        assert next(pieces) == KEEP_ALIVE
        browser.set()
        *_, last = pieces
    assert json.loads(last[6:])["error"]["code"] == "upstream_error"


def test_a_client_that_leaves_behind_signs_of_life_keeps_nothing(
    make_client: Callable[..., FlaskClient], site: FakeSite, browser: threading.Event
) -> None:
    client = make_client()
    response = client.post("/v1/chat/completions", json=ASK)
    next(response.iter_encoded())
    response.close()
    browser.set()
    pool = client.application.extensions["qwenproxy.relay"].pool
    for thread in threading.enumerate():
        if thread.name == "answer":
            thread.join(10)
    assert pool.running() == 0
    assert all(each.closed for each in site.responses)


def test_a_whole_answer_waits_for_its_browser(client: FlaskClient, browser: threading.Event) -> None:
    threading.Timer(0.05, browser.set).start()
    response = client.post("/v1/chat/completions", json={**ASK, "stream": False})
    assert response.get_json()["choices"][0]["message"]["content"] == "Hello world"


THOUGHTS = Reply((CREATED, *[delta("hm ", "think")] * 120, delta("So."), end()), pace=0.9)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/api/chat"])
def test_what_a_client_does_not_see_is_silence_to_it(client: FlaskClient, site: FakeSite, path: str) -> None:
    site.script("a", THOUGHTS)
    body = {**ASK, "prompt": "Once", "message": "Hello?"}
    pieces = list(client.post(path, json=body, buffered=True).iter_encoded())
    shows_thoughts = sum(b"reasoning_content" in piece for piece in pieces) == 120
    assert shows_thoughts or b"".join(pieces).count(KEEP_ALIVE) == 10


def test_a_client_that_sees_nothing_and_leaves_is_noticed(
    make_conversations: MakeConversations, site: FakeSite
) -> None:
    site.script("a", THOUGHTS)
    looks = iter(range(100))
    with make_conversations().answer(Alone(), ask(), lambda: False) as answer:
        pieces = list(answering.stream(answer, TextEncoder(), lambda: next(looks) >= 5))
    assert pieces == []
    assert site.clock.now < 10
    assert site.responses[-1].closed


def test_what_came_late_is_closed_once() -> None:
    closed: list[str] = []
    made = threading.Event()

    def make() -> Closing:
        made.wait(10)
        return Closing(closed)

    coming = waiting.Coming(make, "answer")
    coming.start()
    coming.close()
    coming.close()
    made.set()
    assert coming.wait(10)
    for thread in threading.enumerate():
        if thread.name == "answer":
            thread.join(10)
    coming.close()
    assert closed == ["closed"]


class Closing:
    """Something closable that notes it."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def close(self) -> None:
        self._notes.append("closed")


def test_errors_have_the_form_of_the_most_exact_address() -> None:
    def wire_api(name: str, pattern: str, path: str) -> WireApi:
        routes = Blueprint(name, __name__)
        routes.add_url_rule(path, view_func=lambda: "x", methods=["POST"])
        return WireApi((routes,), lambda error: {"form": name}, re.compile(pattern))

    app = Flask("forms")
    faces = (
        wire_api("broad", "/(v1|api/messages)", "/v1/broad"),
        wire_api("exact", "/(v1|api)/messages", "/v1/messages"),
        wire_api("own", "/", "/v1/other"),
    )
    for face in faces:
        app.register_blueprint(face.routes[0])
    register_errors(app, faces)
    client = app.test_client()
    forms = {path: client.get(path).get_json()["form"] for path in ("/v1/x", "/v1/messages/x", "/api/messages", "/x")}
    assert forms == {"/v1/x": "broad", "/v1/messages/x": "exact", "/api/messages": "exact", "/x": "own"}
    assert client.get("/v1/other").get_json() == {"form": "own"}, "a route counts before an address"
