"""A login or a page that has aged: loaded anew once, the same request goes on unseen, and what marks an account."""

from __future__ import annotations

from typing import cast

import pytest
from clocks import NOW, FakeClock
from fake_site import FakeSite
from fake_tabs import FakeOpener, FakeTab
from makers import MakeRelay
from questions import ask, said
from replies import CAPTCHA, LOGGED_OUT, Reply, refusal
from session_files import account_of
from transcripts import CREATED, delta, frame

from qwenproxy.accounts.lease import FRESH
from qwenproxy.errors import (
    BareRefusal,
    NetworkFailed,
    NoAccounts,
    NotLoggedIn,
    ProxyError,
    SiteFailure,
    TabLost,
    UpstreamError,
    VerificationRequired,
)
from qwenproxy.relay.questions import Relay

BARE = BareRefusal("The site refused without a word.")
FORBIDDEN = refusal("Forbidden", "x", 403)
EXPIRED = {"success": False, "data": {"code": "Unauthorized", "details": "Token has expired"}}
LOGGED_OUT_AMID = Reply((CREATED, delta("Half"), frame(EXPIRED)))


def statuses(relay: Relay) -> list[str]:
    return [account.status(NOW) for account in relay.pool.registry.all()]


def age_pages(relay: Relay, opener: FakeOpener, seconds: float = FRESH) -> None:
    """Open every account's page and let so much time pass."""
    relay.warm_up()
    for tab in opener.tabs.values():
        tab.age = seconds


@pytest.mark.parametrize("call", ["completion", "new_chat"])
@pytest.mark.parametrize("reply", [LOGGED_OUT, FORBIDDEN, BARE], ids=["401", "403", "bare"])
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_a_refusal_that_age_explains_is_mended_unseen(
    make_relay: MakeRelay, site: FakeSite, opener: FakeOpener, call: str, reply: Reply | ProxyError, streamed: bool
) -> None:
    relay = make_relay()
    age_pages(relay, opener)
    site.script("a", reply, call=call)
    assert said(relay.open(ask(streamed=streamed))) == "Hello world"
    assert site.loaded == ["a"]
    assert statuses(relay) == ["OK"]


def test_a_login_still_refused_after_the_load_needs_its_person(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay(2)
    site.always("a", LOGGED_OUT)
    assert said(relay.open(ask())) == "Hello world"
    assert site.loaded == ["a"]
    assert statuses(relay) == ["INVALID", "OK"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotLoggedIn("Sent to sign-in."), "INVALID"),
        (VerificationRequired("A check."), "WAIT"),
    ],
    ids=["sign-in", "check"],
)
def test_a_page_that_cannot_be_loaded_gives_way_to_the_next_account(
    make_relay: MakeRelay, site: FakeSite, error: ProxyError, status: str
) -> None:
    relay = make_relay(2)
    site.script("a", LOGGED_OUT)
    site.load_errors["a"].append(error)
    assert said(relay.open(ask())) == "Hello world"
    assert site.asked()[-1] == "b"
    assert statuses(relay) == [status, "OK"]


@pytest.mark.parametrize("error", [NetworkFailed("Not reached."), TabLost("It died.")], ids=["network", "tab"])
def test_a_load_that_fails_in_passing_is_no_reason_not_to_ask_again(
    make_relay: MakeRelay, site: FakeSite, error: ProxyError
) -> None:
    relay = make_relay()
    site.script("a", LOGGED_OUT)
    site.load_errors["a"].append(error)
    assert said(relay.open(ask())) == "Hello world"
    assert statuses(relay) == ["OK"]


class TestALoginThatThePageDoesNotRenew:
    """It is refused, and the page stays as it is: it may renew it later, so a person is not called at once."""

    def test_gives_way_to_the_next_account(self, make_relay: MakeRelay, site: FakeSite) -> None:
        relay = make_relay(2)
        site.always("a", LOGGED_OUT)
        site.renews_nothing.add("a")
        assert said(relay.open(ask())) == "Hello world"
        assert statuses(relay) == ["WAIT", "OK"]
        assert account_of(relay.pool.registry, "a").reset_at == NOW + 60

    def test_is_told_as_the_sites_failure_and_ends_no_server(self, make_relay: MakeRelay, site: FakeSite) -> None:
        ended = []
        relay = make_relay(on_exhausted=lambda: ended.append(True))
        site.always("a", LOGGED_OUT)
        site.renews_nothing.add("a")
        for _ in range(2):
            with pytest.raises(SiteFailure) as told:
                relay.open(ask())
            assert (told.value.status, told.value.retry_after) == (502, 60)
        assert ended == []

    def test_comes_back_by_itself(self, make_relay: MakeRelay, site: FakeSite, clock: FakeClock) -> None:
        relay = make_relay()
        site.script("a", LOGGED_OUT, LOGGED_OUT)
        site.renews_nothing.add("a")
        with pytest.raises(SiteFailure):
            relay.open(ask())
        clock.now += 60
        assert said(relay.open(ask())) == "Hello world"

    def test_needs_its_person_when_that_goes_on(self, make_relay: MakeRelay, site: FakeSite, clock: FakeClock) -> None:
        relay = make_relay()
        site.always("a", LOGGED_OUT)
        site.renews_nothing.add("a")
        seen = []
        for _ in range(3):
            with pytest.raises(ProxyError):
                relay.open(ask())
            seen += statuses(relay)
            clock.now += 60
        assert seen == ["WAIT", "WAIT", "INVALID"]


def test_the_last_login_that_ends_is_told_with_the_command(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    site.always("a", LOGGED_OUT)
    with pytest.raises(NoAccounts, match="relogin"):
        relay.open(ask())


class TestABareRefusal:
    def test_of_a_fresh_page_is_told_at_once(self, make_relay: MakeRelay, site: FakeSite, opener: FakeOpener) -> None:
        relay = make_relay(2)
        age_pages(relay, opener, FRESH - 1)
        site.script("a", BARE)
        with pytest.raises(UpstreamError):
            relay.open(ask())
        assert site.loaded == []
        assert statuses(relay) == ["OK", "OK"]
        assert relay.pool.running() == 0

    def test_that_stays_after_the_load_is_told_and_marks_nobody(
        self, make_relay: MakeRelay, site: FakeSite, opener: FakeOpener
    ) -> None:
        relay = make_relay()
        age_pages(relay, opener)
        site.always("a", BARE)
        for _ in range(3):
            with pytest.raises(UpstreamError):
                relay.open(ask())
            opener.tabs["a"].age = 1.0
        assert site.loaded == ["a"], "a page that was just loaded is not to blame"
        assert statuses(relay) == ["OK"]

    def test_does_not_load_a_page_that_another_request_had_loaded_meanwhile(
        self, make_relay: MakeRelay, site: FakeSite, opener: FakeOpener
    ) -> None:
        relay = make_relay()
        age_pages(relay, opener)
        lease = next(iter(relay.pool.leases(lambda: False)))
        page = cast(FakeTab, lease.open())
        page.renew(0)
        page.age = 0.0
        assert lease.renew_page(BARE), "it is worth asking again"
        assert site.loaded == ["a"]
        lease.close()


def test_a_login_that_ends_in_the_middle_of_an_answer_proves_nothing_yet(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    site.script("a", LOGGED_OUT_AMID)
    with relay.open(ask()) as run, pytest.raises(NotLoggedIn):
        list(run)
    assert statuses(relay) == ["OK"]
    assert site.loaded == []
    assert said(relay.open(ask())) == "Hello world"
    assert site.loaded == ["a"], "the next request had the page loaded anew first"
    assert statuses(relay) == ["OK"]


def test_a_whole_answer_whose_login_ends_in_its_middle_is_begun_again(make_relay: MakeRelay, site: FakeSite) -> None:
    relay = make_relay()
    site.script("a", LOGGED_OUT_AMID)
    assert said(relay.open(ask(streamed=False))) == "Hello world"
    assert site.loaded == ["a"]
    assert statuses(relay) == ["OK"]


def test_a_human_check_has_no_page_loaded(make_relay: MakeRelay, site: FakeSite, opener: FakeOpener) -> None:
    relay = make_relay(2)
    age_pages(relay, opener)
    site.script("a", CAPTCHA)
    assert said(relay.open(ask())) == "Hello world"
    assert site.loaded == []
