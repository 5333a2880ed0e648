"""A browser that does not start: paid for once, its account rests for a short, growing time, with the reason told."""

from __future__ import annotations

import threading
import time

import pytest
from clocks import NOW
from questions import ask, said

from qwenproxy.errors import BrowserError
from qwenproxy.texts import Phrase

SICK = "chromium ended at once"


def sick(log="/home/person/session/accounts/a/chrome.log"):
    how, cure = Phrase("exit_status", status=1), Phrase("cure_log", log=log)
    return BrowserError(Phrase("browser_ended", path="/usr/bin/chromium", how=how, words="No moon.", cure=cure))


def await_that(what):
    """Wait until something holds that a thread of the pool brings about."""
    deadline = time.monotonic() + 5
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def account(relay, account_id="a"):
    return relay.pool.registry.get(account_id)


def test_it_is_paid_for_by_one_request(make_relay, opener):
    relay = make_relay(2)
    opener.errors["a"].append(sick())
    for _ in range(6):
        assert said(relay.open(ask())) == "Hello world"
    assert opener.opened == ["b"]
    assert not opener.errors["a"]
    assert (account(relay).status(NOW), account(relay).reason) == ("WAIT", "browser")


def test_after_the_rest_no_request_pays_again_where_another_account_is_well(make_relay, opener, clock):
    relay = make_relay(2)
    opener.errors["a"].extend([sick(), sick()])
    assert said(relay.open(ask())) == "Hello world"
    clock.now = account(relay).reset_at
    opener.open_gates["a"] = threading.Event()
    assert said(relay.open(ask())) == "Hello world", "it waits for nothing"
    relay.pool.sweep()
    assert opener.opening.wait(5)
    assert said(relay.open(ask())) == "Hello world", "nor while it is tried"
    opener.open_gates["a"].set()
    await_that(lambda: account(relay).status(clock.now) == "WAIT" and not relay.pool.running())
    assert account(relay).reset_at - clock.now == 20
    assert opener.opened == ["b"]


def test_a_browser_that_was_mended_takes_requests_again(make_relay, opener, clock):
    relay = make_relay(2)
    opener.errors["a"].append(sick())
    assert said(relay.open(ask())) == "Hello world"
    clock.now = account(relay).reset_at
    assert said(relay.open(ask())) == "Hello world"
    relay.pool.sweep()
    await_that(lambda: "a" in opener.opened and not relay.pool.running())
    accounts = set()
    for _ in range(4):
        with relay.open(ask()) as run:
            accounts.add(run.account_id)
            list(run)
    assert accounts == {"a", "b"}


def test_nobody_tries_where_nobody_asks(make_relay, opener, clock):
    relay = make_relay(2)
    opener.errors["a"].extend([sick(), sick(), sick()])
    assert said(relay.open(ask())) == "Hello world"
    clock.now = account(relay).reset_at
    relay.pool.sweep()
    await_that(lambda: len(opener.errors["a"]) == 1 and not relay.pool.running())
    clock.now = account(relay).reset_at
    relay.pool.sweep()
    assert relay.pool.running() == 0, "no request came since"


def test_the_rest_grows_with_each_failure_in_a_row_and_ends_with_a_start(make_relay, opener, clock):
    relay = make_relay(1)
    rests = []
    for _ in range(9):
        opener.errors["a"].append(sick())
        with pytest.raises(BrowserError):
            relay.open(ask())
        rests.append(account(relay).reset_at - clock.now)
        clock.now = account(relay).reset_at
    assert rests == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert said(relay.open(ask())) == "Hello world"
    relay.pool.close_idle(0)
    opener.errors["a"].append(sick())
    with pytest.raises(BrowserError):
        relay.open(ask())
    assert account(relay).reset_at - clock.now == 10


def test_nobody_tries_again_meanwhile_and_all_hear_the_reason(make_relay, opener):
    relay = make_relay(2)
    opener.errors["a"].append(sick())
    opener.errors["b"].append(sick())
    for _ in range(3):
        with pytest.raises(BrowserError) as caught:
            relay.open(ask())
        assert (caught.value.status, caught.value.code) == (503, "browser_error")
        assert SICK in caught.value.client_message
        assert caught.value.retry_after == 10
        assert "/home" not in caught.value.client_message
    assert opener.opened == []


def test_who_was_given_the_account_just_before_it_was_set_aside_pays_nothing(make_pool, opener, registry):
    opener.errors["a"].extend([sick(), sick()])
    pool = make_pool(1, account_concurrency=2)
    first, second = (next(iter(pool.leases(lambda: False))) for _ in range(2))
    for lease in (first, second):
        with pytest.raises(BrowserError) as caught:
            assert lease.open()
        lease.reject(caught.value)
    assert len(opener.errors["a"]) == 1, "its browser was tried once more"
    assert registry.get("a").reset_at - NOW == 10


def test_those_who_wait_for_the_same_browser_get_its_failure(make_pool, opener):
    opener.open_gates["a"] = threading.Event()
    opener.errors["a"].append(sick())
    pool = make_pool(1, account_concurrency=4)
    leases = [next(iter(pool.leases(lambda: False))) for _ in range(4)]
    failures = []

    def use(lease):
        try:
            assert lease.open()
        except BrowserError as error:
            failures.append(error)
            lease.reject(error)

    threads = [threading.Thread(target=use, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    assert opener.opening.wait(5)
    opener.open_gates["a"].set()
    for thread in threads:
        thread.join(5)
    assert failures
    assert pool.registry.get("a").reset_at == NOW + 10, "one failure counts once"


def test_the_reason_is_kept_in_both_languages_and_without_places(make_relay, opener):
    relay = make_relay(1)
    opener.errors["a"].append(sick())
    with pytest.raises(BrowserError):
        relay.open(ask())
    trouble = account(relay).trouble
    assert trouble.say("en").startswith(SICK)
    assert trouble.say("ru") != trouble.say("en")
    assert "/" not in trouble.say("en")


def test_a_new_login_ends_the_rest(make_relay, opener):
    relay = make_relay(1)
    opener.errors["a"].append(sick())
    with pytest.raises(BrowserError):
        relay.open(ask())
    relay.pool.registry.renew("a", "fresh")
    assert (account(relay).status(NOW), account(relay).trouble) == ("OK", None)
    assert said(relay.open(ask())) == "Hello world"
