"""The one way from a request to its answer: signs of life before there is one, and what becomes of it then."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fake_site import FakeSite
from fake_tabs import FakeOpener
from flask.testing import FlaskClient
from replies import refusal

from qwenproxy.api import answering
from qwenproxy.chat import waiting
from qwenproxy.errors import TabLost

ASK = {"messages": [{"role": "user", "content": "Hello?"}], "stream": True}
KEEP_ALIVE = b": keep-alive\n\n"


@pytest.fixture
def browser(opener: FakeOpener, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A browser that opens when the event is set; until then a client is told of silence at once."""
    monkeypatch.setattr(answering, "KEEP_ALIVE_AFTER", 0.01)
    monkeypatch.setattr(answering, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(waiting, "LOOK_EVERY", 0.01)
    gate = opener.open_gates["a"] = threading.Event()
    yield gate
    gate.set()


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
