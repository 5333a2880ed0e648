"""Web searches: made by the site at once, or by the proxy in chats of their own for a model that calls for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from fake_site import FakeSite, kind_of
from makers import MakeRelay
from questions import ask
from replies import FOREVER, JSON, MODELS, NEW_CHAT, RATE_LIMITED, TICK, Reply, answer, refusal
from transcripts import CREATED, counts, delta, end

from qwenproxy.chat import (
    CallStarted,
    ChatRequest,
    Citation,
    Event,
    Finish,
    Search,
    Text,
    Tick,
    Tool,
    Usage,
    WebSearch,
)
from qwenproxy.chat.corrections import Corrections, NeedsCorrection
from qwenproxy.chat.stages import Stage, stages_for
from qwenproxy.errors import AccountsResting, ClientGone, UpstreamError
from qwenproxy.relay import run
from qwenproxy.relay.questions import Relay, RelaySettings
from qwenproxy.relay.searching import FAILED, NO_MORE, NO_QUERY, offer_search
from qwenproxy.upstream.places import SiteChat

LOOK = Tool("look", "Look it up")
ALLOWED = WebSearch()
SEARCH_MODELS = Reply(
    (
        json.dumps(
            {"data": [{"id": "qwen3.8-max", "info": {"is_active": True, "meta": {"chat_type": ["t2t", "search"]}}}]}
        ),
    ),
    headers=JSON,
)


def chat_named(name: str) -> Reply:
    return replace(NEW_CHAT, chunks=(json.dumps({"data": {"id": name}}),))


def call(name: str = "web_search", **arguments: object) -> str:
    return f'<tool_call>{{"name": "{name}", "arguments": {json.dumps(arguments)}}}</tool_call>'


def pages(*names: str) -> str:
    """Return the frame in which the site names these pages."""
    found = [{"url": f"https://{name}.example", "title": name.upper(), "snippet": f"about {name}"} for name in names]
    return delta("", "web_search", "finished", role="function", extra={"web_search_info": found})


def searched(text: str, *names: str) -> Reply:
    """Return the answer of a search that found these pages."""
    return Reply((CREATED, pages(*names), delta(text, usage=counts(50, 20)), end()))


def beside(text: str = "News?", search: WebSearch = ALLOWED, **more: Any) -> ChatRequest:
    """Return a question with a function of the client's and a search."""
    return ask(text, tools=(LOOK,), search=search, **more)


def drained(relay: Relay, request: ChatRequest) -> tuple[str, list[Event]]:
    """Return the whole text of an answer and its events; every citation stands where it says."""
    text = ""
    with relay.open(request) as answered:
        events = list(answered)
    for event in events:
        if isinstance(event, Text):
            text += event.text
        if isinstance(event, Citation):
            assert text[event.start : event.end].strip("[]").isdigit()
    assert answered.answer.text == text
    assert relay.pool.running() == 0
    return text, events


def cited(events: list[Event]) -> list[str]:
    return [event.source.title for event in events if isinstance(event, Citation)]


def fussy(events: Iterator[Event], corrections: Corrections) -> Iterator[Event]:
    for event in events:
        if isinstance(event, Finish) and corrections.available:
            raise NeedsCorrection("Do better.")
        yield event


def with_a_fussy_one(request: ChatRequest, corrections: Corrections, searching: Stage | None = None) -> list[Stage]:
    return [*stages_for(request, corrections, searching), partial(fussy, corrections=corrections)]


@pytest.fixture
def relay(make_relay: MakeRelay, site: FakeSite) -> Relay:
    site.always("a", SEARCH_MODELS, "models")
    return make_relay()


@pytest.fixture
def discarded(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> list[SiteChat]:
    """The chats of the site that were deleted."""
    chats: list[SiteChat] = []
    monkeypatch.setattr(relay, "discard", chats.extend)
    return chats


def types_asked(site: FakeSite) -> list[tuple[str, bool]]:
    """Return the chat type of each question, and whether the model may search."""
    messages = [body["messages"][0] for body in site.questions()]
    return [(message["chat_type"], message["feature_config"]["auto_search"]) for message in messages]


def types_created(site: FakeSite) -> list[str]:
    return [json.loads(each.body or "")["chat_type"] for _, each in site.calls if kind_of(each) == "new_chat"]


@pytest.mark.parametrize(
    ("search", "models", "chat_type", "may"),
    [
        (None, SEARCH_MODELS, "t2t", False),
        (ALLOWED, SEARCH_MODELS, "t2t", True),
        (WebSearch(forced=True), SEARCH_MODELS, "search", True),
        (WebSearch(forced=True), MODELS, "t2t", True),
    ],
    ids=["no wish", "allowed", "forced", "forced, but the model has no such chats"],
)
def test_the_site_searches(
    relay: Relay, site: FakeSite, search: WebSearch | None, models: Reply, chat_type: str, may: bool
) -> None:
    site.always("a", models, "models")
    site.script("a", searched("As [[2]].", "a", "b"))
    text, events = drained(relay, ask(search=search))
    assert (text, cited(events)) == ("As [2].", ["B"])
    assert (types_asked(site), types_created(site)) == ([(chat_type, may)], [chat_type])


def test_forced_beside_functions_the_site_searches(relay: Relay, site: FakeSite) -> None:
    site.script("a", searched("As [[1]].", "a"))
    assert drained(relay, beside(search=WebSearch(forced=True)))[0] == "As [1]."
    assert types_asked(site) == [("search", True)]
    assert '"web_search"' not in site.questions()[0]["messages"][0]["content"]


@pytest.mark.parametrize("streamed", [True, False])
def test_a_search_that_the_model_calls_for(
    relay: Relay, site: FakeSite, discarded: list[SiteChat], streamed: bool
) -> None:
    site.script("a", chat_named("main"), chat_named("own"), call="new_chat")
    site.script(
        "a", answer("Let me see.", call(query="Köln news")), searched("It rains [[2]].", "a", "b"), answer("Wet [[2]].")
    )
    text, events = drained(relay, beside(streamed=streamed))
    assert text == "Let me see.\n\nWet [2]."
    assert cited(events) == ["B"]
    assert events[-1] == Finish("stop")
    assert not any(isinstance(event, CallStarted) for event in events)
    asked, own, more = site.questions()
    assert [body["chat_id"] for body in (asked, own, more)] == ["main", "own", "main"]
    assert types_asked(site) == [("t2t", False), ("search", True), ("t2t", False)]
    assert own["messages"][0]["content"] == "Köln news", "a bare question, because the site searches for no other"
    assert own["parent_id"] is None
    assert more["parent_id"] == "R7"
    result = more["messages"][0]["content"]
    assert "It rains [2]." in result and "[1] A https://a.example\nabout a" in result
    assert discarded == [SiteChat("a", "own")]
    searches = [event for event in events if isinstance(event, Search)]
    assert [(len(each.results), each.queries) for each in searches] == [(0, ("Köln news",)), (2, ("Köln news",))]


def test_the_counts_of_all_that_was_asked(relay: Relay, site: FakeSite) -> None:
    """What the search read and wrote is input to the answer."""
    site.script("a", answer("Hm.", call(query="x")), searched("So [[1]].", "a"), answer("So", " it is."))
    events = drained(relay, beside())[1]
    usages = [event for event in events if isinstance(event, Usage)]
    assert usages[-1] == Usage(7 + 70 + 7, 2 + 2, 0, 33)
    assert [usage.output_tokens for usage in usages] == sorted(usage.output_tokens for usage in usages)


def test_pages_of_several_searches_are_numbered_on(relay: Relay, site: FakeSite) -> None:
    site.script(
        "a",
        answer(call(query="x"), call(query="y")),
        searched("X [[1]].", "a", "b"),
        searched("Y [[1]], [[2]].", "c", "d"),
        answer(call(queries=["z"])),
        searched("Z [[1]]", "e"),
        answer("All: [[1]][[4]][[5]][[6]]"),
    )
    text, events = drained(relay, beside())
    assert (text, cited(events)) == ("All: [1][4][5][[6]]", ["A", "D", "E"])
    results = [site.questions()[place]["messages"][0]["content"] for place in (3, 5)]
    assert "Y [3], [4]." in results[0] and "[5] E https://e.example" in results[1]


@pytest.mark.parametrize(
    ("search", "made"), [(ALLOWED, 3), (WebSearch(max_uses=1), 1), (WebSearch(max_uses=5), 5)], ids=["3", "1", "5"]
)
def test_no_more_searches_than_the_request_allows(relay: Relay, site: FakeSite, search: WebSearch, made: int) -> None:
    for _ in range(made):
        site.script("a", answer(call(query="x")), searched("X [[1]].", "a"))
    site.script("a", answer(call(query="x")), answer("Enough."))
    assert drained(relay, beside(search=search))[0] == "Enough."
    questions = site.questions()
    assert types_asked(site).count(("search", True)) == made
    assert NO_MORE in questions[-1]["messages"][0]["content"]


def test_a_model_that_never_stops_searching(relay: Relay, site: FakeSite) -> None:
    search = WebSearch(max_uses=1)
    insists = [answer(call(query="x")), searched("X.", "a"), *[answer(call(query="x"))] * 2]
    site.script("a", *insists)
    with pytest.raises(UpstreamError):
        relay.open(beside(search=search))
    site.script("a", answer("Well. ", call(query="x")), *insists[1:])
    text, events = drained(relay, beside(search=search))
    assert (text.strip(), events[-1]) == ("Well.", Finish("stop"))


def test_a_call_without_a_query(relay: Relay, site: FakeSite) -> None:
    site.script("a", answer(call(words="x")), answer("Never mind."))
    assert drained(relay, beside())[0] == "Never mind."
    assert NO_QUERY in site.questions()[-1]["messages"][0]["content"]


FAILURES = {
    "refused": [refusal("internal_error", "d", 500)],
    "cut": [Reply((CREATED, delta("Half")))],
    "nothing": [Reply((CREATED,))],
    "silent": [Reply((CREATED, delta("Half")), endless=True)],
    "no head": [Reply(head_after=FOREVER)],
    "endless": [Reply((CREATED, *[delta("x")] * 100), pace=0.5)],
}


@pytest.mark.parametrize("replies", FAILURES.values(), ids=FAILURES)
def test_a_search_that_fails_is_told_to_the_model(
    make_relay: MakeRelay, site: FakeSite, monkeypatch: pytest.MonkeyPatch, replies: list[Reply]
) -> None:
    relay = make_relay(1, RelaySettings(stall_timeout=20))
    discarded: list[SiteChat] = []
    monkeypatch.setattr(relay, "discard", discarded.extend)
    site.script("a", answer(call(query="x")), *replies, answer("Without."))
    assert drained(relay, beside())[0] == "Without."
    assert FAILED in site.questions()[-1]["messages"][0]["content"]
    assert site.clock.now <= 25
    assert discarded == [SiteChat("a", "chat-1")]


def test_a_chat_for_the_search_that_cannot_be_made(relay: Relay, site: FakeSite, discarded: list[SiteChat]) -> None:
    site.script("a", chat_named("main"), refusal("internal_error", "d", 500), call="new_chat")
    site.script("a", answer(call(query="x")), answer("Without."))
    assert drained(relay, beside())[0] == "Without."
    assert discarded == []


def test_an_account_that_is_spent_in_the_middle(relay: Relay, site: FakeSite, discarded: list[SiteChat]) -> None:
    """The search fails, and so does asking on: the account rests, and another one could take over."""
    site.script("a", answer(call(query="x")), RATE_LIMITED, RATE_LIMITED)
    with pytest.raises(AccountsResting):
        relay.open(beside())
    assert discarded == [SiteChat("a", "chat-1")] * 2


def test_the_clients_calls_go_first(relay: Relay, site: FakeSite) -> None:
    site.script("a", answer(call(query="x"), call("look", q="y")))
    with relay.open(beside()) as answered:
        events = list(answered)
    assert [each.name for each in answered.answer.tool_calls] == ["look"]
    assert events[-1] == Finish("tool_calls")
    assert site.asked("new_chat") == ["a"], "no search was made"


def test_a_clients_call_after_a_search(relay: Relay, site: FakeSite) -> None:
    site.script("a", answer(call(query="x")), searched("X.", "a"), answer(call("look", q="y")))
    with relay.open(beside(tool_choice="required")) as answered:
        events = list(answered)
    assert [json.loads(each.arguments) for each in answered.answer.tool_calls] == [{"q": "y"}]
    assert events[-1] == Finish("tool_calls")


def test_an_answer_that_is_corrected_after_its_search(
    relay: Relay, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The correction has the pages of the search that was made, and their numbers."""

    monkeypatch.setattr(run, "stages_for", with_a_fussy_one)
    site.script("a", answer("Hm.", call(query="x")), searched("X.", "a"), answer("Bad [[1]]"), answer("Good [[1]]."))
    text, events = drained(relay, beside(streamed=False))
    assert (text, cited(events)) == ("Good [1].", ["A"])
    assert [body["parent_id"] for body in site.questions()] == [None, None, "R7", "R7"]


def test_a_corrected_answer_cites_what_the_site_found(
    relay: Relay, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "stages_for", with_a_fussy_one)
    site.script("a", searched("Bad [[1]].", "a"), answer("Good [[1]]."))
    text, events = drained(relay, beside(search=WebSearch(forced=True), streamed=False))
    assert (text, cited(events)) == ("Good [1].", ["A"])


def test_a_search_that_the_site_made_unasked(relay: Relay, site: FakeSite) -> None:
    """Its pages have numbers already; those of the model's own search follow."""
    unasked = Reply((CREATED, pages("s", "t"), delta("S [[2]]. " + call(query="x")), end()))
    site.script("a", unasked, searched("X [[1]].", "a"), searched("So [[1]][[3]].", "odd"))
    assert drained(relay, beside())[0].endswith("S [2].\n\nSo [1][3].")
    assert "X [3]." in site.questions()[-1]["messages"][0]["content"]


def test_time_passes_while_it_searches(relay: Relay, site: FakeSite) -> None:
    silent = Reply((CREATED, *[TICK] * 8, pages("a"), *[TICK] * 4, delta("X [[1]]."), end()), head_after=3)
    site.script("a", answer("Wait.", call(query="x")), silent, answer("So [[1]]."))
    events = drained(relay, beside())[1]
    first = next(place for place, event in enumerate(events) if isinstance(event, Search))
    assert sum(isinstance(event, Tick) for event in events[first:]) >= 12


@pytest.mark.parametrize("streamed", [True, False])
def test_a_client_that_leaves_during_the_search(
    relay: Relay, site: FakeSite, discarded: list[SiteChat], streamed: bool
) -> None:
    site.script("a", chat_named("main"), chat_named("own"), call="new_chat")
    site.script("a", answer(call(query="x")), Reply((CREATED, delta("Half")), endless=True))
    with pytest.raises(ClientGone):
        relay.open(beside(streamed=streamed), lambda: site.clock.now > 3)
    assert site.clock.now < 15
    assert [json.loads(each.body or "")["chat_id"] for _, each in site.sent] == ["own"]
    assert sorted(chat.chat_id for chat in discarded) == ["main", "own"]
    assert relay.pool.running() == 0


def test_an_answer_closed_during_the_search(relay: Relay, site: FakeSite, discarded: list[SiteChat]) -> None:
    site.script("a", chat_named("main"), chat_named("own"), call="new_chat")
    site.script("a", answer("Wait.", call(query="x")), Reply((CREATED, delta("Half")), endless=True))
    answered = relay.open(beside())
    events = iter(answered)
    while site.clock.now < 3:
        next(events)
    answered.close()
    answered.close()
    assert [json.loads(each.body or "")["chat_id"] for _, each in site.sent] == ["own"]
    assert discarded == [SiteChat("a", "own")]
    assert relay.pool.running() == 0


@pytest.mark.parametrize(
    ("request_made", "names"),
    [
        (ask(), []),
        (ask(search=ALLOWED), []),
        (beside(search=WebSearch(forced=True)), ["look"]),
        (beside(tool_choice="look"), ["look"]),
        (beside(), ["look", "web_search"]),
        (beside(tool_choice="required"), ["look", "web_search"]),
        (replace(beside(), tools=(Tool("Web_Search"), Tool("web_search_2"))),
         ["Web_Search", "web_search_2", "web_search_3"]),
    ],
    ids=["no wish", "alone", "forced", "one function wanted", "beside", "required", "names taken"],
)  # fmt: skip
def test_the_search_as_a_function(request_made: ChatRequest, names: list[str]) -> None:
    request, name = offer_search(request_made)
    assert [tool.name for tool in request.tools] == names
    assert name == (names[-1] if len(names) > len(request_made.tools) else "")
