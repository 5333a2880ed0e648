"""A browser that does not start: paid for once, its account rests for a short, growing time, with the reason told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from clocks import NOW, FakeClock
from fake_tabs import FakeOpener
from makers import MakePool, MakeRelay
from questions import ask, said
from session_files import account_of

from qwenproxy.accounts.account import Account
from qwenproxy.accounts.lease import Lease
from qwenproxy.accounts.registry import Registry
from qwenproxy.errors import BrowserError, SharedBrowserError
from qwenproxy.relay.questions import Relay
from qwenproxy.texts import Phrase

SICK = "chromium ended at once"


def sick(log: str = "/home/person/session/accounts/a/chrome.log") -> BrowserError:
    how, cure = Phrase("exit_status", status=1), Phrase("cure_log", log=log)
    return BrowserError(Phrase("browser_ended", path="/usr/bin/chromium", how=how, words="No moon.", cure=cure))


def await_that(what: Callable[[], object]) -> None:
    """Wait until something holds that a thread of the pool brings about."""
    deadline = time.monotonic() + 5
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def account(relay: Relay, account_id: str = "a") -> Account:
    return account_of(relay.pool.registry, account_id)


def rest_end(account: Account) -> float:
    """Return when the account's rest ends (s since 1970); it must rest."""
    assert account.reset_at
    return account.reset_at


def test_it_is_paid_for_by_one_request(make_relay: MakeRelay, opener: FakeOpener) -> None:
    relay = make_relay(2)
    opener.errors["a"].append(sick())
    for _ in range(6):
        assert said(relay.open(ask())) == "Hello world"
    assert opener.opened == ["b"]
    assert not opener.errors["a"]
    assert (account(relay).status(NOW), account(relay).reason) == ("WAIT", "browser")


def test_a_shared_browser_that_fails_sets_no_account_aside(make_relay: MakeRelay, opener: FakeOpener) -> None:
    relay = make_relay(2)
    for account_id in ("a", "b"):
        opener.errors[account_id].append(SharedBrowserError("It died.", retry_after=10))
    with pytest.raises(SharedBrowserError) as refused:
        relay.open(ask())
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (503, "browser_error", 10)
    assert [one.status(NOW) for one in relay.pool.registry.all()] == ["OK", "OK"]
    for _ in range(2):
        assert said(relay.open(ask())) == "Hello world"
    assert sorted(opener.opened) == ["a", "b"]


def test_after_the_rest_no_request_pays_again_where_another_account_is_well(
    make_relay: MakeRelay, opener: FakeOpener, clock: FakeClock
) -> None:
    relay = make_relay(2)
    opener.errors["a"].extend([sick(), sick()])
    assert said(relay.open(ask())) == "Hello world"
    clock.now = rest_end(account(relay))
    opener.open_gates["a"] = threading.Event()
    assert said(relay.open(ask())) == "Hello world", "it waits for nothing"
    relay.pool.sweep()
    assert opener.opening.wait(5)
    assert said(relay.open(ask())) == "Hello world", "nor while it is tried"
    opener.open_gates["a"].set()
    await_that(lambda: account(relay).status(clock.now) == "WAIT" and not relay.pool.running())
    assert rest_end(account(relay)) - clock.now == 20
    assert opener.opened == ["b"]


def test_a_browser_that_was_mended_takes_requests_again(
    make_relay: MakeRelay, opener: FakeOpener, clock: FakeClock
) -> None:
    relay = make_relay(2)
    opener.errors["a"].append(sick())
    assert said(relay.open(ask())) == "Hello world"
    clock.now = rest_end(account(relay))
    assert said(relay.open(ask())) == "Hello world"
    relay.pool.sweep()
    await_that(lambda: "a" in opener.opened and not relay.pool.running())
    accounts = set()
    for _ in range(4):
        with relay.open(ask()) as run:
            accounts.add(run.account_id)
            list(run)
    assert accounts == {"a", "b"}


def test_nobody_tries_where_nobody_asks(make_relay: MakeRelay, opener: FakeOpener, clock: FakeClock) -> None:
    relay = make_relay(2)
    opener.errors["a"].extend([sick(), sick(), sick()])
    assert said(relay.open(ask())) == "Hello world"
    clock.now = rest_end(account(relay))
    relay.pool.sweep()
    await_that(lambda: len(opener.errors["a"]) == 1 and not relay.pool.running())
    clock.now = rest_end(account(relay))
    relay.pool.sweep()
    assert relay.pool.running() == 0, "no request came since"


def test_the_rest_grows_with_each_failure_in_a_row_and_ends_with_a_start(
    make_relay: MakeRelay, opener: FakeOpener, clock: FakeClock
) -> None:
    relay = make_relay(1)
    rests = []
    for _ in range(9):
        opener.errors["a"].append(sick())
        with pytest.raises(BrowserError):
            relay.open(ask())
        rests.append(rest_end(account(relay)) - clock.now)
        clock.now = rest_end(account(relay))
    assert rests == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert said(relay.open(ask())) == "Hello world"
    relay.pool.close_idle(0)
    opener.errors["a"].append(sick())
    with pytest.raises(BrowserError):
        relay.open(ask())
    assert rest_end(account(relay)) - clock.now == 10


def test_nobody_tries_again_meanwhile_and_all_hear_the_reason(make_relay: MakeRelay, opener: FakeOpener) -> None:
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


def test_who_was_given_the_account_just_before_it_was_set_aside_pays_nothing(
    make_pool: MakePool, opener: FakeOpener, registry: Registry
) -> None:
    opener.errors["a"].extend([sick(), sick()])
    pool = make_pool(1, account_concurrency=2)
    first, second = (next(iter(pool.leases(lambda: False))) for _ in range(2))
    for lease in (first, second):
        with pytest.raises(BrowserError) as caught:
            assert lease.open()
        lease.reject(caught.value)
    assert len(opener.errors["a"]) == 1, "its browser was tried once more"
    assert rest_end(account_of(registry, "a")) - NOW == 10


def test_those_who_wait_for_the_same_browser_get_its_failure(make_pool: MakePool, opener: FakeOpener) -> None:
    opener.open_gates["a"] = threading.Event()
    opener.errors["a"].append(sick())
    pool = make_pool(1, account_concurrency=4)
    leases = [next(iter(pool.leases(lambda: False))) for _ in range(4)]
    failures = []

    def use(lease: Lease) -> None:
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
    assert account_of(pool.registry, "a").reset_at == NOW + 10, "one failure counts once"


def test_the_reason_is_kept_in_both_languages_and_without_places(make_relay: MakeRelay, opener: FakeOpener) -> None:
    relay = make_relay(1)
    opener.errors["a"].append(sick())
    with pytest.raises(BrowserError):
        relay.open(ask())
    trouble = account(relay).trouble
    assert trouble
    assert trouble.say("en").startswith(SICK)
    assert trouble.say("ru") != trouble.say("en")
    assert "/" not in trouble.say("en")


def test_a_new_login_ends_the_rest(make_relay: MakeRelay, opener: FakeOpener) -> None:
    relay = make_relay(1)
    opener.errors["a"].append(sick())
    with pytest.raises(BrowserError):
        relay.open(ask())
    relay.pool.registry.renew("a", "fresh")
    assert (account(relay).status(NOW), account(relay).trouble) == ("OK", None)
    assert said(relay.open(ask())) == "Hello world"
