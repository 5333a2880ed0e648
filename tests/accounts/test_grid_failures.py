"""A Grid that opens no browser: the client learns why, and no account rests for it."""

from __future__ import annotations

import pytest
from clocks import NOW
from fake_tabs import FakeOpener
from leases import open_tab, take, use
from makers import MakeClient, MakePool, MakeRelay
from questions import ask, said
from session_files import account_of

from qwenproxy.accounts import slots
from qwenproxy.errors import GridError, GridFull
from qwenproxy.texts import Phrase

FULL = "All 4 slots of the Selenium Grid at http://hub:4444 are taken."


def full() -> GridError:
    return GridFull(Phrase("grid_full", hub="http://hub:4444", slots=4), retry_after=5.0)


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


def test_on_a_full_grid_the_tab_used_longest_ago_makes_room(make_pool: MakePool, opener: FakeOpener) -> None:
    opener.slots = 2
    pool = make_pool(3)
    for account_id in ("a", "b", "a", "c"):
        use(pool, account_id)
    assert set(opener.tabs) == {"a", "c"} and opener.refused == 1


def test_a_full_grid_is_noticed_once_and_accounts_with_open_tabs_go_first(
    make_relay: MakeRelay, opener: FakeOpener
) -> None:
    opener.slots = 2
    relay = make_relay(3)
    for _ in range(12):
        assert said(relay.open(ask())) == "Hello world"
    assert opener.refused == 1
    assert len(opener.opened) <= 4, "a browser that moves has to be worth it"


def test_while_all_slots_are_busy_a_request_gets_an_account_that_has_one(
    make_pool: MakePool, opener: FakeOpener
) -> None:
    opener.slots = 2
    pool = make_pool(3, account_concurrency=2)
    running = [take(pool, prefer=name) for name in ("a", "b")]
    for lease in running:
        open_tab(lease)
    with pytest.raises(GridFull):
        use(pool, "c")
    running += [take(pool) for _ in range(2)]
    assert [lease.account_id for lease in running[2:]] == ["a", "b"]
    assert opener.refused == 1
    for lease in running:
        lease.close()


def test_slots_that_come_back_are_used(
    make_pool: MakePool, opener: FakeOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener.slots = 1
    pool = make_pool(2)
    use(pool, "a")
    use(pool, "b")
    assert set(opener.tabs) == {"b"}
    opener.slots = 2
    monkeypatch.setattr(slots.Room, "places", property(lambda room: room._most))  # as it is after FULL_FOR
    use(pool, "a")
    assert set(opener.tabs) == {"a", "b"}


def test_a_grid_that_is_full_of_others_browsers_limits_nothing(make_pool: MakePool, opener: FakeOpener) -> None:
    opener.slots = 0
    pool = make_pool(2)
    for account_id in ("a", "b"):
        with pytest.raises(GridFull):
            use(pool, account_id)
    opener.slots = 2
    use(pool, "a")
    use(pool, "b")
    assert set(opener.tabs) == {"a", "b"}
