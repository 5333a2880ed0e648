"""A question that goes on in a chat of the site: what the site may refuse there, and who asks elsewhere then."""

from __future__ import annotations

import pytest
from fake_site import FakeSite
from makers import MakeRelay
from questions import ask, said
from replies import REFUSED_CONTENT, Reply, answer, refusal

from qwenproxy.chat import ChatRequest, Message, TextPart, ToolCall
from qwenproxy.errors import ContentFilter, ProxyError, RequestError
from qwenproxy.upstream.places import SiteChat, SitePlace

TALK = ChatRequest(
    (
        *ask("Who are you?").messages,
        Message("assistant", (TextPart("Qwen."),)),
        *ask("And I?").messages,
    ),
    streamed=True,
)
NEWEST = SitePlace(SiteChat("a", "held"), "R1", 2)
OLDER = SitePlace(SiteChat("a", "held"), "R1", 2, is_newest=False)
NO_CHAT = refusal("Not_Found", "CHAT_NOT_FOUND", 404)
NO_PARENT = refusal("PARENT_NOT_FOUND", "", 400)
UNKNOWN_WORDS = refusal("Bad_Request", "Invalid input the branch is closed", 400)
NO_WORDS = refusal("Bad_Request", "Internal error", 400)


def places(site: FakeSite) -> list[tuple[str, str | None]]:
    return [(question["chat_id"], question["parent_id"]) for question in site.questions()]


def test_only_what_is_new_is_sent(make_relay: MakeRelay, site: FakeSite) -> None:
    with make_relay().open(TALK, place=NEWEST) as run:
        assert run.lost is None
        list(run)
    [question] = site.questions()
    assert question["messages"][0]["content"] == "And I?"
    assert places(site) == [("held", "R1")]


@pytest.mark.parametrize(
    ("place", "reply", "lost"),
    [
        pytest.param(NEWEST, NO_CHAT, "chat", id="the chat is gone"),
        pytest.param(NEWEST, NO_PARENT, "parent", id="the newest answer is gone"),
        pytest.param(OLDER, NO_CHAT, "chat", id="an older answer, and the chat is gone"),
        pytest.param(OLDER, NO_PARENT, "parent", id="an older answer is no parent"),
        pytest.param(OLDER, UNKNOWN_WORDS, "parent", id="an older answer is refused in unknown words"),
        pytest.param(OLDER, NO_WORDS, "parent", id="an older answer is refused without a word"),
    ],
)
def test_a_place_that_is_refused(
    make_relay: MakeRelay, site: FakeSite, place: SitePlace, reply: Reply, lost: str
) -> None:
    site.script("a", reply)
    run = make_relay().open(TALK, place=place)
    assert (run.lost, run.place.response_id) == (lost, None)
    assert said(run) == "Hello world"
    assert places(site) == [("held", "R1"), ("chat-1", None)]
    assert "Qwen." in site.questions()[-1]["messages"][0]["content"]


@pytest.mark.parametrize(
    ("place", "reply", "error"),
    [
        pytest.param(OLDER, REFUSED_CONTENT, ContentFilter, id="refused content is final"),
        pytest.param(NEWEST, refusal("invalid_input", "no", 400), RequestError, id="under the newest it is the input"),
    ],
)
def test_what_another_chat_would_not_mend(
    make_relay: MakeRelay, site: FakeSite, place: SitePlace, reply: Reply, error: type[ProxyError]
) -> None:
    site.script("a", reply)
    with pytest.raises(error):
        make_relay().open(TALK, place=place)
    assert len(site.questions()) == 1


def test_an_account_that_is_busy(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(2, account_concurrency=1)
    site.script("a", answer("One"))
    with relay.open(ask(), place=None) as running:
        assert running.account_id == "a"
        run = relay.open(TALK, place=NEWEST)
        assert (run.account_id, run.place.response_id, run.lost) == ("b", None, None)
        assert said(run) == "Hello world"
        list(running)


def test_a_model_that_is_another_one_by_now(make_relay: MakeRelay, site: FakeSite) -> None:
    place = SitePlace(NEWEST.chat, "R1", 2, model="qwen-gone")
    assert said(make_relay().open(TALK, place=place)) == "Hello world"
    assert places(site) == [("chat-1", None)]


def test_a_result_has_the_name_of_its_function(make_relay: MakeRelay, site: FakeSite) -> None:
    called = Message("assistant", tool_calls=(ToolCall("c1", "look", "{}"), ToolCall("c2", "read", "{}")))
    results = tuple(Message("tool", (TextPart(each),), tool_call_id=each) for each in ("c2", "c1", "c3"))
    talk = ChatRequest((*ask("Look").messages, called, *results))
    said(make_relay().open(talk, place=NEWEST))
    text = site.questions()[0]["messages"][0]["content"]
    assert text.index('id="c2" name="read"') < text.index('id="c1" name="look"') < text.index('id="c3" ')
