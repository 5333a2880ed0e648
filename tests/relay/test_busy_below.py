"""A question below an answer that was stopped: the site calls its chat busy for some seconds more."""

from __future__ import annotations

import json

import pytest
from clocks import FakeClock
from fake_site import FakeSite
from makers import MakeRelay
from questions import ask, said
from replies import BUSY, NEW_CHAT, answer

from qwenproxy.chat import Document, Finish, Text, Tick, Tool, WebSearch
from qwenproxy.errors import ChatBusy, ClientGone

NUMBER = Document({"type": "object", "required": ["n"]})
PROSE, GOOD = answer("It is ", "seven."), answer('{"n":', " 7}")
SEARCH = answer(
    "Let me see.\n", '<tool_call>{"name": "web_search", "arguments": {"query": "news"}}</tool_call>', " And so on."
)


class PausedClock(FakeClock):
    """A clock that the relay's pauses move, too."""

    def __init__(self, pauses: list[float]) -> None:
        super().__init__(0.0)
        self._pauses = pauses

    def __call__(self) -> float:
        return super().__call__() + sum(self._pauses)


@pytest.fixture(autouse=True)
def time_that_passes(site: FakeSite, pauses: list[float]) -> None:
    site.clock = PausedClock(pauses)


def test_a_correction_waits_for_its_chat(make_relay: MakeRelay, site: FakeSite, pauses: list[float]) -> None:
    relay = make_relay(2)
    site.script("a", PROSE, BUSY, BUSY, BUSY, GOOD)
    assert said(relay.open(ask(document=NUMBER))) == '{"n": 7}'
    assert pauses == [0.5, 1.0, 1.0, 1.0], "never over a second, in which the client may leave"
    assert site.asked() == ["a"] * 5
    assert site.asked("new_chat") == ["a"]
    first, *corrections = site.questions()
    assert {question["chat_id"] for question in corrections} == {first["chat_id"]}
    assert len({json.dumps(question["messages"][0]["content"]) for question in corrections}) == 1
    assert len({question["parent_id"] for question in corrections}) == 1
    assert relay.pool.running() == 0


def test_a_chat_that_stays_busy_is_given_up(make_relay: MakeRelay, site: FakeSite, pauses: list[float]) -> None:
    relay = make_relay()
    site.script("a", PROSE)
    site.always("a", BUSY)
    with pytest.raises(ChatBusy):
        relay.open(ask(document=NUMBER))
    assert len(site.asked()) < 12
    assert relay.pool.running() == 0


def test_the_client_may_leave_meanwhile(make_relay: MakeRelay, site: FakeSite, pauses: list[float]) -> None:
    relay = make_relay()
    site.script("a", PROSE)
    site.always("a", BUSY)
    with pytest.raises(ClientGone):
        relay.open(ask(document=NUMBER), lambda: bool(pauses))
    assert pauses == [0.5, 1.0]
    assert relay.pool.running() == 0


def test_an_answer_goes_on_after_a_search(make_relay: MakeRelay, site: FakeSite, pauses: list[float]) -> None:
    relay = make_relay()
    request = ask("News?", tools=(Tool("look"),), search=WebSearch(), streamed=True)
    site.script("a", SEARCH, answer("Found."), BUSY, BUSY, answer("It is so."))
    site.script("a", NEW_CHAT, NEW_CHAT, call="new_chat")
    with relay.open(request) as run:
        events = list(run)
    assert "".join(event.text for event in events if isinstance(event, Text)) == "Let me see.\n\nIt is so."
    assert isinstance(events[-1], Finish)
    assert pauses == [0.5, 1.0]
    assert sum(isinstance(event, Tick) for event in events) == 1, "a sign of life for the second that it took"
