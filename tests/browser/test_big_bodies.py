"""A big body on its way into the page: in pieces, whole at its end, and in nobody's way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from fake_driver import FakeChrome, FakeDriver, FakePage, read
from selenium.common.exceptions import TimeoutException

from qwenproxy.browser.chrome_tab import ChromeTab
from qwenproxy.browser.orders import PIECE, Orders
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.response import TabResponse
from qwenproxy.browser.site import Site
from qwenproxy.browser.tab import Tab
from qwenproxy.errors import TabLost

SMALL = PageRequest("GET", "/small")


def big(pieces: int, letter: str = "я") -> PageRequest:
    return PageRequest("POST", "/big", {}, letter * (PIECE * (pieces - 1) + 1))


@pytest.fixture
def page() -> FakePage:
    return FakePage()


@pytest.fixture
def driver(page: FakePage) -> FakeDriver:
    return FakeDriver(page)


@pytest.fixture
def tab(driver: FakeDriver) -> Iterator[Tab]:
    tab = Tab("a", cast(ChromeTab, FakeChrome(driver)), Site("https://site.test"), "", lambda token: None)
    yield tab
    tab.close()


def call_start(page: FakePage, response: TabResponse) -> dict[str, Any] | None:
    """Return the start of a call, None before it."""
    return next((start for start in page.started if start["id"] == response.number), None)


def start_of(page: FakePage, response: TabResponse) -> dict[str, Any]:
    """Wait until a call is started; return its start."""
    page.await_that(lambda: call_start(page, response))
    start = call_start(page, response)
    assert start
    return start


def body_in(page: FakePage, response: TabResponse) -> str:
    """Return the body that the page has for a call, once it was started."""
    start = start_of(page, response)
    pieces = page.bodies[response.number]
    assert sorted(pieces) == list(range(start["pieces"]))
    return "".join(pieces[index] for index in sorted(pieces))


def test_it_arrives_whole(tab: Tab, page: FakePage) -> None:
    request = big(5)
    response = tab.fetch(request)
    assert body_in(page, response) == request.body
    assert start_of(page, response)["body"] is None
    response.close()


def test_no_exchange_carries_more_than_a_piece(tab: Tab, page: FakePage) -> None:
    responses = [tab.fetch(big(4)) for _ in range(3)]
    for response in responses:
        assert body_in(page, response)
        response.close()
    assert max(sum(len(text) for _, _, text in order["parts"]) for order in page.orders) == PIECE


def test_other_calls_do_not_wait_for_it(tab: Tab, page: FakePage) -> None:
    response = tab.fetch(big(100))
    other = tab.fetch(SMALL)
    page.await_that(lambda: call_start(page, other))
    assert not call_start(page, response)
    page.push(other.number, "head", [200, {}])
    page.push(other.number, "data", "at once")
    page.push(other.number, "end")
    assert other.head(5)
    assert read(other) == "at once"
    assert body_in(page, response)
    response.close()


def test_a_piece_whose_reply_is_lost_is_in_its_place_once(tab: Tab, page: FakePage, driver: FakeDriver) -> None:
    driver.reply_lost = True
    driver.failures = [TimeoutException("lost")] * 3
    request = big(4)
    response = tab.fetch(request)
    assert body_in(page, response) == request.body
    assert len([start for start in page.started if start["id"] == response.number]) == 1
    response.close()


def test_it_is_dropped_when_its_client_leaves(tab: Tab, page: FakePage) -> None:
    response = tab.fetch(big(1000))
    page.await_that(lambda: page.bodies.get(response.number))
    response.close()
    page.await_that(lambda: response.number in page.aborted)
    assert not call_start(page, response)


def test_a_page_that_reloads_meanwhile_loses_the_call(tab: Tab, page: FakePage) -> None:
    response = tab.fetch(big(1000))
    page.await_that(lambda: page.bodies.get(response.number))
    page.reload()
    with pytest.raises(TabLost):
        response.head(5)
    other = tab.fetch(SMALL)
    page.await_that(lambda: call_start(page, other))
    other.close()


def test_a_body_of_any_length_is_cut_into_pieces_that_make_it_up() -> None:
    for length in (0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 1):
        orders = Orders()
        parts: list[list[Any]] = []
        orders.start(7, PageRequest("POST", "/x", {}, "a" * length))
        while orders:
            batch = json.loads(json.dumps(orders.batch()))
            parts += batch["parts"]
            starts = batch["start"]
            orders.confirm()
        [start] = starts
        assert len(start["body"] or "".join(text for _, _, text in parts)) == length
        assert start["pieces"] == len(parts)
