"""Functions are offered in the way that works with an account and a model; no client notices the attempts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_site import FakeSite
from makers import MakeRelay
from questions import ask, said
from replies import EMPTY, GATEWAY_DOWN, RATE_LIMITED, Reply, answer, refusal
from spelling import spelled
from transcripts import CREATED, called, delta, end, rejected

from qwenproxy.chat import Tool
from qwenproxy.errors import SiteFailure
from qwenproxy.relay.offers import NATIVE_LIMIT, Offers
from qwenproxy.relay.questions import Relay, RelaySettings

TOOLS = (Tool("look", "Look it up", {"type": "object", "properties": {"q": {"type": "string"}}}),)
INTERCEPTED = Reply((CREATED, called("look", "", '{"q": "x"}'), rejected("look"), delta("Hm."), end()))


def ways(site: FakeSite) -> list[str]:
    """Return how each question offered its functions."""
    return [_way(body["messages"][0]) for body in site.questions()]


def _way(message: dict[str, Any]) -> str:
    features, text = message["feature_config"], message["content"]
    if "local_mcp" in features:
        return "native"
    assert features["function_calling"] is False, "the site's own functions must not answer"
    return "trained" if "<tools>" in text else "neutral" if "<functions>" in text else "not at all"


def offered(relay: Relay, site: FakeSite, **more: Any) -> list[str]:
    """Ask a question with functions; return in which ways they were offered until the answer came."""
    before = len(site.questions())
    said(relay.open(ask(tools=TOOLS, **more)))
    return ways(site)[before:]


@pytest.mark.parametrize(
    "reply",
    [
        EMPTY,
        GATEWAY_DOWN,
        refusal("Bad_Request", "Something wrong with request!", 400),
        refusal("Bad_Request", "Invalid input local_mcp: look is not a tool.", 400),
        refusal("internal_error", "Internal_Server_Error", 500),
    ],
    ids=spelled,
)
def test_what_does_not_take_native_functions_gets_them_in_the_prompt(
    make_relay: MakeRelay, site: FakeSite, reply: Reply
) -> None:
    relay = make_relay()
    site.script("a", reply)
    assert offered(relay, site) == ["native", "trained"]
    assert offered(relay, site) == ["trained"], "it is remembered"
    assert offered(relay, site, model="qwen3-coder-plus") == ["native"], "for this model only"


def test_a_restart_tries_the_first_way_again(make_relay: MakeRelay, site: FakeSite) -> None:
    """A passing failure of the site must not be held against an account for ever."""
    site.script("a", EMPTY)
    assert offered(make_relay(), site) == ["native", "trained"]
    assert Offers("auto").way("a", "qwen3.8-max", TOOLS) == "native"


def test_a_site_that_fails_altogether_is_not_blamed_on_the_offer(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    site.always("a", GATEWAY_DOWN)
    with pytest.raises(SiteFailure):
        relay.open(ask(tools=TOOLS))
    site.always("a", answer("Well."))
    site.forget_script()
    assert offered(relay, site)[0] == "native"


def test_a_refused_account_is_not_blamed_on_the_offer(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(2)
    site.script("a", RATE_LIMITED)
    assert offered(relay, site) == ["native", "native"]


def test_an_intercepted_call_is_not_lost_and_the_next_offer_is_another(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(settings=RelaySettings(tools="prompt"))
    site.script("a", INTERCEPTED)
    assert offered(relay, site) == ["trained"]
    assert offered(relay, site) == ["neutral"]
    site.script("a", INTERCEPTED)
    assert offered(relay, site) == ["neutral"]
    assert offered(relay, site) == ["neutral"], "the last way stays"


def test_very_many_functions_go_into_the_prompt(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    big = (Tool("look", "x" * NATIVE_LIMIT, {}),)
    said(relay.open(ask(tools=big)))
    assert ways(site) == ["trained"]
    assert offered(relay, site) == ["native"], "that says nothing of fewer"


def test_numbers_that_are_too_big_for_the_site_go_into_the_prompt(make_relay: MakeRelay, site: FakeSite) -> None:
    said(make_relay().open(ask(tools=(Tool("look", "", {"maximum": 10**30}),))))
    assert ways(site) == ["trained"]
    assert str(10**30) in site.questions()[0]["messages"][0]["content"]


@pytest.mark.parametrize(("setting", "first"), [("auto", "native"), ("native", "native"), ("prompt", "trained")])
def test_the_setting(setting: str, first: str) -> None:
    assert Offers(setting).way("a", "m", TOOLS) == first


def test_with_native_alone_there_is_no_other_way(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(settings=RelaySettings(tools="native"))
    site.script("a", EMPTY)
    assert offered(relay, site) == ["native", "native"], "the same account is asked once more, as always"


def test_requests_without_functions_leave_the_site_as_it_is(make_relay: MakeRelay, site: FakeSite) -> None:
    said(make_relay().open(ask()))
    features = site.questions()[0]["messages"][0]["feature_config"]
    assert {"local_mcp", "mcp", "function_calling"}.isdisjoint(features)
    assert "functions" not in json.dumps(site.questions()[0])
