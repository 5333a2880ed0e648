"""A big body on its way into the page: in pieces, whole at its end, and in nobody's way."""

from __future__ import annotations

import json

import pytest
from fake_driver import FakeChrome, FakeDriver, FakePage, read
from selenium.common.exceptions import TimeoutException

from qwenproxy.browser.orders import PIECE, Orders
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.site import Site
from qwenproxy.browser.tab import Tab
from qwenproxy.errors import TabLost

SMALL = PageRequest("GET", "/small")


def big(pieces, letter="я"):
    return PageRequest("POST", "/big", {}, letter * (PIECE * (pieces - 1) + 1))


@pytest.fixture
def page():
    return FakePage()


@pytest.fixture
def driver(page):
    return FakeDriver(page)


@pytest.fixture
def tab(driver):
    tab = Tab("a", FakeChrome(driver), Site("https://site.test"), "", lambda token: None)
    yield tab
    tab.close()


def started(page, response):
    return next((start for start in page.started if start["id"] == response.number), None)


def body_in(page, response):
    """Return the body that the page has for a call, once it was started."""
    page.await_that(lambda: started(page, response))
    pieces = page.bodies[response.number]
    assert sorted(pieces) == list(range(started(page, response)["pieces"]))
    return "".join(pieces[index] for index in sorted(pieces))


def test_it_arrives_whole(tab, page):
    request = big(5)
    with_response = tab.fetch(request)
    assert body_in(page, with_response) == request.body
    assert started(page, with_response)["body"] is None
    with_response.close()


def test_no_exchange_carries_more_than_a_piece(tab, page):
    responses = [tab.fetch(big(4)) for _ in range(3)]
    for response in responses:
        assert body_in(page, response)
        response.close()
    assert max(sum(len(text) for _, _, text in order["parts"]) for order in page.orders) == PIECE


def test_other_calls_do_not_wait_for_it(tab, page):
    response = tab.fetch(big(100))
    other = tab.fetch(SMALL)
    page.await_that(lambda: started(page, other))
    assert not started(page, response)
    page.push(other.number, "head", [200, {}])
    page.push(other.number, "data", "at once")
    page.push(other.number, "end")
    assert other.head(5)
    assert read(other) == "at once"
    assert body_in(page, response)
    response.close()


def test_a_piece_whose_reply_is_lost_is_in_its_place_once(tab, page, driver):
    driver.reply_lost = True
    driver.failures = [TimeoutException("lost")] * 3
    request = big(4)
    response = tab.fetch(request)
    assert body_in(page, response) == request.body
    assert len([start for start in page.started if start["id"] == response.number]) == 1
    response.close()


def test_it_is_dropped_when_its_client_leaves(tab, page):
    response = tab.fetch(big(1000))
    page.await_that(lambda: page.bodies.get(response.number))
    response.close()
    page.await_that(lambda: response.number in page.aborted)
    assert not started(page, response)


def test_a_page_that_reloads_meanwhile_loses_the_call(tab, page):
    response = tab.fetch(big(1000))
    page.await_that(lambda: page.bodies.get(response.number))
    page.reload()
    with pytest.raises(TabLost):
        response.head(5)
    other = tab.fetch(SMALL)
    page.await_that(lambda: started(page, other))
    other.close()


def test_a_body_of_any_length_is_cut_into_pieces_that_make_it_up():
    for length in (0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 1):
        orders, parts = Orders(), []
        orders.start(7, PageRequest("POST", "/x", {}, "a" * length))
        while orders:
            batch = json.loads(json.dumps(orders.batch()))
            parts += batch["parts"]
            starts = batch["start"]
            orders.confirm()
        [start] = starts
        assert len(start["body"] or "".join(text for _, _, text in parts)) == length
        assert start["pieces"] == len(parts)
