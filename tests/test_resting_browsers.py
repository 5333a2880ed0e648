"""A browser that does not start: paid for once, its account rests for a short, growing time, with the reason told."""

from __future__ import annotations

import threading

import pytest
from fakes import NOW, ask, said

from qwenproxy.errors import BrowserError
from qwenproxy.texts import Phrase

SICK = "chromium ended at once"


def sick(log="/home/person/session/accounts/a/chrome.log"):
    how, cure = Phrase("exit_status", status=1), Phrase("cure_log", log=log)
    return BrowserError(Phrase("browser_ended", path="/usr/bin/chromium", how=how, words="No moon.", cure=cure))


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


def test_those_who_wait_for_the_same_browser_get_its_failure(make_pool, opener):
    opener.open_gates["a"] = threading.Event()
    opener.errors["a"].append(sick())
    pool = make_pool(1, account_concurrency=4)
    leases = [next(iter(pool.leases(lambda: False))) for _ in range(4)]
    failures = []

    def use(lease):
        try:
            assert lease.tab
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
