"""Failover: a refused account gives way unseen, and what the client hears once none is left."""

from __future__ import annotations

import pytest
from clocks import NOW
from fake_site import FakeSite
from fake_tabs import FakeOpener
from makers import MakeRelay
from questions import ask, said
from replies import (
    BUSY,
    CAPTCHA,
    EMPTY,
    GATEWAY_DOWN,
    JSON,
    LOGGED_OUT,
    RATE_LIMITED,
    TOO_FAST,
    WAF_PAGE,
    Reply,
    refusal,
)
from session_files import account_of
from spelling import spelled
from transcripts import CREATED, frame

from qwenproxy.accounts.registry import Registry
from qwenproxy.chat import ChatRequest, Message, TextPart, Tool
from qwenproxy.errors import (
    AccountsResting,
    EmptyAnswer,
    NoAccounts,
    SiteFailure,
    VerificationRequired,
)

REFUSALS = [
    (RATE_LIMITED, "WAIT", NOW + 6 * 3600 + 300),
    (TOO_FAST, "WAIT", NOW + 120),
    (refusal("quota_limit", "x"), "WAIT", NOW + 120),
    (Reply(('{"code":"RateLimited","detail":"x","num":4}',), 429, JSON), "WAIT", NOW + 4 * 3600 + 300),
    (
        Reply((CREATED, frame({"success": False, "data": {"code": "RateLimited", "num": 2}}))),
        "WAIT",
        NOW + 2 * 3600 + 300,
    ),
    (LOGGED_OUT, "INVALID", None),
    (refusal("Forbidden", "x", 403), "INVALID", None),
    (refusal("RateLimited", "401 Unauthorized", 429), "INVALID", None),
    (CAPTCHA, "WAIT", NOW + 600),
    (WAF_PAGE, "WAIT", NOW + 600),
]


@pytest.mark.parametrize("call", ["completion", "new_chat"])
@pytest.mark.parametrize(("reply", "status", "reset_at"), REFUSALS, ids=spelled)
def test_a_refused_account_gives_way_unseen(
    make_relay: MakeRelay, site: FakeSite, reply: Reply, status: str, reset_at: float | None, call: str
) -> None:
    relay = make_relay(2)
    site.always("a", reply, call=call)
    assert said(relay.open(ask())) == "Hello world"
    assert site.asked() == ["a"] * site.asked().count("a") + ["b"]
    first, second = relay.pool.registry.all()
    assert (first.status(NOW), first.reset_at) == (status, reset_at)
    assert second.status(NOW) == "OK"


@pytest.mark.parametrize("reply", [RATE_LIMITED, LOGGED_OUT, CAPTCHA, GATEWAY_DOWN, BUSY, EMPTY], ids=spelled)
def test_300_requests_with_one_account_out_of_order_all_succeed(
    make_relay: MakeRelay, site: FakeSite, reply: Reply
) -> None:
    relay = make_relay(3)
    site.always("b", reply)
    for _ in range(300):
        assert said(relay.open(ask())) == "Hello world"
    assert relay.pool.running() == 0


def test_the_next_account_gets_the_same_request(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(2)
    site.script("a", RATE_LIMITED)
    chat = ChatRequest(
        (
            Message("system", (TextPart("Be brief."),)),
            Message("user", (TextPart("Как дела? 🙂"),)),
            Message("assistant", (TextPart("Fine."),)),
            Message("user", (TextPart("And now?"),)),
        ),
        model="qwen3-coder-plus",
        thinking=True,
        thinking_budget=500,
        tools=(Tool("look", "Look it up", {"type": "object"}),),
    )
    said(relay.open(chat))
    first, second = (
        {key: body["messages"][0][key] for key in ("content", "feature_config")} for body in site.questions()
    )
    assert first == second
    assert [body["model"] for body in site.questions()] == ["qwen3-coder-plus"] * 2
    assert all(text in first["content"] for text in ("Be brief.", "Как дела? 🙂", "Fine.", "And now?"))
    assert "look" in first["feature_config"]["local_mcp"]["client"]
    assert first["feature_config"]["thinking_budget"] == 500


def test_all_resting(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(2)
    site.always("a", refusal("RateLimited", num=5))
    site.always("b", refusal("RateLimited", num=2))
    with pytest.raises(AccountsResting) as caught:
        relay.open(ask())
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (429, "rate_limited", 7500)
    assert site.asked() == ["a", "b"]
    with pytest.raises(AccountsResting):
        relay.open(ask())
    assert site.asked() == ["a", "b"]


def test_all_invalid(make_relay: MakeRelay, site: FakeSite) -> None:
    told = []
    relay = make_relay(2, on_exhausted=lambda: told.append(relay.pool.running()))
    for account_id in "ab":
        site.always(account_id, LOGGED_OUT)
    with pytest.raises(NoAccounts, match="relogin") as caught:
        relay.open(ask())
    assert (caught.value.status, caught.value.code) == (503, "no_accounts")
    assert told == [0]


def test_without_any_account_nobody_is_told_to_stop(make_relay: MakeRelay) -> None:
    relay = make_relay(0, on_exhausted=lambda: pytest.fail("a server without accounts goes on"))
    with pytest.raises(NoAccounts):
        relay.open(ask())


def test_all_to_be_verified(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(2, on_exhausted=lambda: pytest.fail("nothing is INVALID"))
    site.always("a", CAPTCHA)
    site.always("b", WAF_PAGE)
    with pytest.raises(VerificationRequired) as caught:
        relay.open(ask())
    assert (caught.value.status, caught.value.code) == (503, "verification_required")
    assert "qwenproxy account relogin" in caught.value.message


def test_a_login_renewed_on_disk_is_used_at_once(
    make_relay: MakeRelay, site: FakeSite, registry: Registry, opener: FakeOpener
) -> None:
    relay = make_relay()
    said(relay.open(ask()))
    registry.renew("a", "token-new")
    site.script("a", LOGGED_OUT)
    assert said(relay.open(ask())) == "Hello world"
    assert opener.opened == ["a", "a"]
    assert account_of(registry, "a").status(NOW) == "OK"


def test_a_failure_everywhere_is_told_after_three_accounts(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(5)
    for account_id in "abcde":
        site.always(account_id, EMPTY)
    with pytest.raises(EmptyAnswer) as caught:
        relay.open(ask())
    assert (caught.value.status, caught.value.code) == (502, "upstream_error")
    assert site.asked() == ["a", "a", "b", "b", "c", "c"]
    assert relay.pool.running() == 0


@pytest.mark.parametrize("refused", [RATE_LIMITED, LOGGED_OUT, CAPTCHA], ids=spelled)
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_failure_beside_a_refusal_is_told_as_failure(
    make_relay: MakeRelay, site: FakeSite, refused: Reply, order: str
) -> None:
    """One account is well: neither "come back in six hours" nor "log in again" would be true."""
    relay = make_relay(2, on_exhausted=lambda: pytest.fail("one account is usable"))
    site.always(order[0], GATEWAY_DOWN)
    site.always(order[1], refused)
    with pytest.raises(SiteFailure):
        relay.open(ask())
