"""The page's half of the exchange in a real Chrome: which messages end an exchange, and which wait for others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sandbox_browser import browser_fixtures
from selenium import webdriver

from qwenproxy.browser.site import Site

pytestmark = pytest.mark.browser

running, chrome = browser_fixtures(accounts=1)

LONG = 1_000_000  # milliseconds, more than the driver lets a script run
# The answer's media type is the path that is asked for; what `say` says next stands in its body, and "" ends it.
PLAY = """
window.fetch = async path => new Response(
  new ReadableStream({ start(body) { window.body = body; } }),
  { headers: { "content-type": path } },
);
window.say = (...pieces) => pieces.forEach(
  piece => piece ? window.body.enqueue(new TextEncoder().encode(piece)) : window.body.close());
"""
EXCHANGE = """
const done = arguments[arguments.length - 1];
window.__qwenproxy.exchange(arguments[0], done);
setTimeout(() => arguments[1].forEach((piece, place) => setTimeout(() => window.say(piece), 30 * place)), 30);
"""


class Bridge:
    """The bridge in a page whose answers the test writes."""

    def __init__(self, browser: webdriver.Chrome) -> None:
        self._browser = browser
        self._epoch, self._acknowledged, self._calls = "", 0, 0

    def exchange(self, *pieces: str, start: str = "", gather: int = LONG, wait: int = LONG) -> list[tuple[str, Any]]:
        """Do one exchange, during which the page gets these pieces one by one; return kind and payload of its messages.

        `start` is the media type of an answer to begin with, `gather` and `wait` are in ms.
        """
        order = {"epoch": self._epoch, "ack": self._acknowledged, "wait": wait, "min": gather}
        order |= {"parts": [], "abort": [], "hold": [], "start": []}
        if start:
            self._calls += 1
            call = {"nth": self._calls, "id": self._calls, "method": "GET", "path": start, "headers": {}}
            order["start"] = [{**call, "body": None, "pieces": 0}]
        reply = json.loads(self._browser.execute_async_script(EXCHANGE, json.dumps(order), pieces))
        self._epoch = reply["epoch"]
        self._acknowledged = max((message[0] for message in reply["messages"]), default=self._acknowledged)
        return [(kind, payload) for _, _, kind, payload in reply["messages"]]


@pytest.fixture
def bridge(chrome: webdriver.Chrome) -> Bridge:
    """The bridge, in a page of its own."""
    chrome.get("about:blank")
    chrome.execute_script(PLAY)
    chrome.execute_script(Site("null").bridge())
    return Bridge(chrome)


def kinds(messages: list[tuple[str, Any]]) -> list[str]:
    return [kind for kind, _ in messages]


def test_a_small_answer_comes_whole(bridge: Bridge) -> None:
    messages = bridge.exchange("{}", "", start="application/json")
    assert kinds(messages) == ["head", "data", "end"]
    assert messages[0][1] == [200, {"content-type": "application/json"}]
    assert messages[1][1] == "{}"


def test_the_first_text_of_a_stream_waits_for_nothing_and_the_next_for_more(bridge: Bridge) -> None:
    assert kinds(bridge.exchange("a", start="text/event-stream;charset=utf-8")) == ["head", "data"]
    assert bridge.exchange("b", "c", "") == [("data", "bc"), ("end", None)]


def test_the_next_text_waits_no_longer_than_it_shall(bridge: Bridge) -> None:
    assert kinds(bridge.exchange("a", start="text/event-stream")) == ["head", "data"]
    assert bridge.exchange("b", gather=1) == [("data", "b")]
    assert bridge.exchange("", gather=1) == [("end", None)]


def test_a_head_alone_comes_when_the_exchange_is_over(bridge: Bridge) -> None:
    assert kinds(bridge.exchange(start="text/event-stream", gather=0, wait=50)) == ["head"]
    assert kinds(bridge.exchange("a", "")) == ["data"]
    assert kinds(bridge.exchange()) == ["end"]
