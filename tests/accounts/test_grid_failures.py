"""A Grid that opens no browser: the client learns why, and no account rests for it."""

from __future__ import annotations

import pytest
from clocks import NOW
from fake_tabs import FakeOpener
from makers import MakeClient, MakeRelay
from questions import ask, said
from session_files import account_of

from qwenproxy.errors import GridError
from qwenproxy.texts import Phrase

FULL = "All 4 slots of the Selenium Grid at http://hub:4444 are taken."


def full() -> GridError:
    return GridError(Phrase("grid_full", hub="http://hub:4444", slots=4), retry_after=5.0)


def test_a_full_grid_is_an_honest_503_and_rests_no_account(make_client: MakeClient, opener: FakeOpener) -> None:
    client = make_client(1)
    opener.errors["a"].append(full())
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    answer = client.post("/v1/chat/completions", json=body)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"], answer.headers["retry-after"]) == (503, "browser_error", "5")
    assert error["message"].startswith(FULL)
    assert client.get("/api/status").get_json()["accounts"] == [{"id": "a", "status": "OK", "resetAt": None}]
    assert client.post("/v1/chat/completions", json=body).status_code == 200


def test_an_account_whose_browser_is_open_answers_meanwhile(make_relay: MakeRelay, opener: FakeOpener) -> None:
    relay = make_relay(2)
    opener.errors["a"].extend([full(), full()])
    for _ in range(3):
        assert said(relay.open(ask())) == "Hello world"
    assert account_of(relay.pool.registry, "a").status(NOW) == "OK"


def test_where_no_account_gets_a_browser_the_client_learns_why(make_relay: MakeRelay, opener: FakeOpener) -> None:
    relay = make_relay(2)
    for name in ("a", "b"):
        opener.errors[name].append(full())
    with pytest.raises(GridError, match="All 4 slots"):
        relay.open(ask())
    assert said(relay.open(ask())) == "Hello world"
