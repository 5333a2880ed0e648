"""A document that an answer must be, on its way to the site and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_site import FakeSite
from makers import MakeRelay
from questions import ask, said
from replies import BUSY, RATE_LIMITED, Reply, answer

from qwenproxy.chat import Document, Message, TextPart
from qwenproxy.errors import StructuredOutputFailed
from qwenproxy.upstream.places import SiteChat, SitePlace

NUMBER = Document({"type": "object", "required": ["n"]})
PROSE, GOOD = answer("It is ", "seven."), answer('{"n":', " 7}")


def texts(site: FakeSite) -> list[str]:
    return [question["messages"][0]["content"] for question in site.questions()]


def test_the_form_goes_with_every_turn(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    site.script("a", GOOD, GOOD)
    with relay.open(ask("Which?", document=NUMBER)) as first:
        list(first)
    place = SitePlace(SiteChat("a", "chat-1"), "R7", holds=2)
    question = ask("Which?", document=NUMBER)
    earlier = (*question.messages, Message("assistant", (TextPart('{"n": 7}'),)))
    follow_up = ask("And now?", document=NUMBER)
    chat = replace(follow_up, messages=(*earlier, *follow_up.messages))
    assert said(relay.open(chat, place=place)) == '{"n": 7}'
    anew, going_on = texts(site)
    assert "Which?" in anew and "Which?" not in going_on
    for text in (anew, going_on):
        assert text.endswith('JSON schema:\n{"type":"object","required":["n"]}')


def test_a_corrected_answer_is_no_place_to_go_on_from(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    site.script("a", PROSE, GOOD)
    with relay.open(ask(document=NUMBER)) as run:
        list(run)
    assert run.answer.text == '{"n": 7}'
    assert run.response_id is None
    assert relay.pool.running() == 0


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_the_account_of_an_answer_that_fails_is_not_at_fault(
    make_relay: MakeRelay, site: FakeSite, streamed: bool
) -> None:
    relay = make_relay(2)
    site.script("a", PROSE, PROSE)
    with pytest.raises(StructuredOutputFailed):
        relay.open(ask(document=NUMBER, streamed=streamed))
    assert site.asked() == ["a", "a"]
    assert relay.pool.running() == 0
    assert {account.status(0) for account in relay.pool.registry.all()} == {"OK"}
    assert site.asked("new_chat") == ["a"]


@pytest.mark.parametrize("refusal", [RATE_LIMITED, BUSY], ids=str)
def test_a_correction_that_the_site_refuses_moves_on(make_relay: MakeRelay, site: FakeSite, refusal: Reply) -> None:
    relay = make_relay(2)
    site.script("a", PROSE, refusal)
    site.always("a", GOOD)
    site.always("b", GOOD)
    assert said(relay.open(ask(document=NUMBER))) == '{"n": 7}'
