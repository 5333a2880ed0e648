"""The pool: whose turn it is, who waits, and what the site's refusals do to an account."""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import cast

import pytest
from clocks import NOW, FakeClock
from fake_tabs import FakeOpener, FakeTab
from jwts import jwt
from leases import never, take
from makers import MakePool
from session_files import account_of

from qwenproxy.accounts import pool as pool_module
from qwenproxy.accounts.account import Account
from qwenproxy.accounts.lease import Lease
from qwenproxy.accounts.pool import AccountPool
from qwenproxy.accounts.registry import Registry
from qwenproxy.errors import (
    AccountsResting,
    ClientGone,
    NetworkFailed,
    NoAccounts,
    NotLoggedIn,
    QueueTimeout,
    RateLimited,
    SetupError,
    SiteFailure,
    VerificationRequired,
)


class Waiting:
    """A request that takes a lease on a thread of its own; `queued` is set once it stands in the queue."""

    def __init__(self, pool: AccountPool, turns: queue.SimpleQueue[Waiting]) -> None:
        self.queued = threading.Event()
        self.lease: Lease | None = None
        self._pool = pool
        self._turns = turns
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.lease = take(self._pool, self._note)
        self._turns.put(self)

    def _note(self) -> bool:
        self.queued.set()
        return False


def open_lease(pool: AccountPool, prefer: str | None = None) -> Lease:
    """Take a lease as a request does, whose next step is the account's page."""
    lease = take(pool, prefer=prefer)
    assert lease.open().alive
    return lease


def test_requests_go_round_all_accounts(make_pool: MakePool) -> None:
    pool = make_pool(3)
    shares: Counter[str] = Counter()
    for _ in range(300):
        lease = take(pool)
        shares[lease.account_id] += 1
        lease.close()
    assert shares == {"a": 100, "b": 100, "c": 100}


def test_requests_at_once_go_round_all_accounts(make_pool: MakePool) -> None:
    pool = make_pool(3, account_concurrency=12)
    pairs = []
    for account_id in "abc":
        open_lease(pool, account_id).close()

    def work() -> None:
        for _ in range(25):
            lease = take(pool)
            pairs.append((lease.account_id, cast(FakeTab, lease.open()).account_id))
            lease.close()

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(pairs) == {(account_id, account_id): 100 for account_id in "abc"}


def test_a_browser_that_comes_up_holds_one_request_only(make_pool: MakePool, opener: FakeOpener) -> None:
    opener.open_gates["a"] = threading.Event()
    pool = make_pool(2, account_concurrency=4)
    first = take(pool, prefer="a")
    opening = threading.Thread(target=first.open)
    opening.start()
    assert opener.opening.wait(5)
    others = [open_lease(pool) for _ in range(4)]
    assert {lease.account_id for lease in others} == {"b"}
    opener.open_gates["a"].set()
    opening.join()
    others.append(open_lease(pool))
    assert others[-1].account_id == "a"
    for lease in [first, *others]:
        lease.close()


def test_an_account_runs_no_more_answers_than_allowed(make_pool: MakePool) -> None:
    pool = make_pool(2, account_concurrency=3, queue_wait=0)
    leases = [open_lease(pool) for _ in range(6)]
    assert Counter(lease.account_id for lease in leases) == {"a": 3, "b": 3}
    assert pool.running() == 6
    with pytest.raises(QueueTimeout) as caught:
        take(pool)
    assert caught.value.retry_after and caught.value.retry_after > 0
    leases[4].close()
    again = take(pool)
    assert again.account_id == leases[4].account_id
    for lease in [*leases, again]:
        lease.close()
        lease.close()  # once counts
    assert pool.running() == 0


def test_the_queue_is_served_in_order_of_arrival(make_pool: MakePool) -> None:
    pool = make_pool(1, account_concurrency=1)
    first = take(pool)
    turns: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
    waiting: list[Waiting] = []
    for _ in range(5):
        waiting.append(Waiting(pool, turns))
        assert waiting[-1].queued.wait(5)
    first.close()
    for expected in waiting:
        now = turns.get(timeout=5)
        assert now is expected
        assert turns.empty()
        assert now.lease
        now.lease.close()
        now.thread.join()


def test_an_account_is_preferred_where_it_has_room(make_pool: MakePool) -> None:
    pool = make_pool(3, account_concurrency=1)
    leases = [take(pool, prefer="c"), take(pool, prefer="c"), take(pool, prefer="nobody")]
    assert [lease.account_id for lease in leases] == ["c", "a", "b"]
    for lease in leases:
        lease.close()


def test_a_client_that_leaves_the_queue_takes_nothing(make_pool: MakePool) -> None:
    pool = make_pool(1, account_concurrency=1)
    lease = take(pool)
    with pytest.raises(ClientGone):
        take(pool, lambda: True)
    lease.close()
    assert pool.running() == 0
    take(pool).close()


def test_each_account_is_given_once_per_request(make_pool: MakePool) -> None:
    pool = make_pool(3)
    given = []
    for lease in pool.leases(never):
        given.append(lease.account_id)
        lease.close()
    assert given == ["a", "b", "c"]


def test_no_account_at_all(make_pool: MakePool) -> None:
    with pytest.raises(NoAccounts, match="qwenproxy account add"):
        take(make_pool(0))


def test_a_limit_of_one_kind_keeps_the_account_from_that_kind_only(
    make_pool: MakePool, registry: Registry, clock: FakeClock
) -> None:
    pool = make_pool(2)
    error = RateLimited("x")
    error.kind = "upload"
    lease = take(pool, prefer="a")
    lease.reject(error)
    assert {account.status(clock.now) for account in registry.all()} == {"OK"}
    limits: tuple[tuple[str | None, set[str]], ...] = (("upload", {"b"}), ("t2i", {"a", "b"}), (None, {"a", "b"}))
    for kind, left in limits:
        given = set()
        for lease in pool.leases(never, kinds=(kind,) if kind else ()):
            given.add(lease.account_id)
            lease.close()
        assert given == left
    pool.note_refusal("b", error)
    with pytest.raises(AccountsResting, match="upload") as caught:
        take(pool, kinds=("upload",))
    assert caught.value.retry_after == 120
    clock.now += 120
    take(pool, kinds=("upload",)).close()


def test_an_account_rests_as_long_as_the_site_said(make_pool: MakePool, registry: Registry, clock: FakeClock) -> None:
    pool = make_pool(2)
    pool.note_refusal("a", RateLimited("x", hours=6))
    pool.note_refusal("b", RateLimited("x"))
    assert [account.reset_at for account in registry.all()] == [NOW + 6 * 3600 + 300, NOW + 120]
    with pytest.raises(AccountsResting) as caught:
        take(pool)
    assert caught.value.retry_after == 120
    clock.now += 119
    assert isinstance(pool.unavailable(), AccountsResting)
    clock.now += 1
    assert pool.unavailable() is None
    for account_id in ("b", "b"):
        lease = take(pool)
        assert lease.account_id == account_id
        lease.close()
    clock.now = NOW + 6 * 3600 + 300
    lease = take(pool)
    assert lease.account_id == "a"
    lease.close()


def test_a_waiting_request_gets_an_account_that_comes_back(
    make_pool: MakePool, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "LOOK_AGAIN", 0.005)
    pool = make_pool(2, account_concurrency=1)
    pool.note_refusal("a", RateLimited("x"))
    busy = take(pool)

    def time_passes() -> bool:
        clock.now += 200
        return False

    lease = take(pool, time_passes)
    assert (busy.account_id, lease.account_id) == ("b", "a")
    lease.close()
    busy.close()


def test_a_refused_login_marks_the_account_invalid(make_pool: MakePool, registry: Registry) -> None:
    pool = make_pool(2)
    lease = take(pool)
    assert lease.open().token == "token-0"
    lease.reject(NotLoggedIn("x"))
    assert [account.status(NOW) for account in registry.all()] == ["INVALID", "OK"]
    assert take_all(pool) == ["b"]
    pool.note_refusal("b", NotLoggedIn("x"))
    with pytest.raises(NoAccounts, match="qwenproxy account relogin"):
        take(pool)


def test_a_login_renewed_meanwhile_stays_valid(make_pool: MakePool, registry: Registry) -> None:
    pool = make_pool(1)
    lease = take(pool)
    assert lease.open().alive
    registry.renew("a", "token-new")
    lease.reject(NotLoggedIn("x"))
    assert account_of(registry, "a").status(NOW) == "OK"


def test_an_expired_token_costs_no_request(
    make_pool: MakePool, registry: Registry, opener: FakeOpener, clock: FakeClock
) -> None:
    pool = make_pool(1)
    registry.renew("a", jwt(exp=NOW - 1))
    with pytest.raises(NoAccounts):
        take(pool)
    assert opener.opened == []


def test_a_verification_rests_the_account_and_names_the_window(
    make_pool: MakePool, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool(2)
    with caplog.at_level(logging.WARNING):
        pool.note_refusal("a", VerificationRequired("x"))
        pool.note_refusal("b", VerificationRequired("x"))
    assert account_of(registry, "a").reset_at == NOW + 600
    assert account_of(registry, "a").reason == "verification"
    assert "VERIFY" in caplog.text and "qwenproxy account relogin a" in caplog.text
    with pytest.raises(VerificationRequired, match="qwenproxy account relogin"):
        take(pool)


def test_a_limit_beside_a_verification_tells_when_to_come_back(make_pool: MakePool) -> None:
    pool = make_pool(2)
    pool.note_refusal("a", VerificationRequired("x"))
    pool.note_refusal("b", RateLimited("x", hours=1))
    assert isinstance(pool.unavailable(), AccountsResting)


def test_a_passing_failure_leaves_the_account_as_it_is(make_pool: MakePool, registry: Registry) -> None:
    pool = make_pool(1)
    for error in (SiteFailure("x"), NetworkFailed("x"), SetupError("x")):
        take(pool).reject(error)
    assert account_of(registry, "a").status(NOW) == "OK"


def test_an_account_added_while_running_is_used(make_pool: MakePool, registry: Registry) -> None:
    pool = make_pool(1)
    take(pool).close()
    registry.add("token-new", "z")
    assert take_all(pool) == ["z", "a"]
    registry.remove("a")
    assert take_all(pool) == ["z"]


def test_an_account_lost_while_the_request_waits_ends_its_turn(
    make_pool: MakePool, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other account was tried and is well: neither "every account is over its limit" nor "needs a login"."""
    monkeypatch.setattr(pool_module, "LOOK_AGAIN", 0.005)
    for refuse in (lambda: registry.rest("b", NOW + 60), lambda: registry.mark_invalid("b")):
        for account in registry.all():
            registry.remove(account.id)
        pool = make_pool(2, account_concurrency=1)
        busy = take(pool, prefer="b")

        def client_gone(refuse: Callable[[], bool] = refuse) -> bool:
            refuse()
            return False

        given = []
        for lease in pool.leases(client_gone):
            given.append(lease.account_id)
            lease.reject(SiteFailure("x"))
        assert given == ["a"]
        busy.close()


def test_a_registry_that_cannot_be_written_does_not_keep_the_lease(
    make_pool: MakePool, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(1)

    def full(*_args: object, **_kwargs: object) -> None:
        raise SetupError("disk full")

    monkeypatch.setattr(registry, "rest", full)
    take(pool).reject(RateLimited("x"))
    assert pool.running() == 0


def test_a_disk_that_hangs_holds_up_neither_the_giving_back_nor_the_pool(
    make_pool: MakePool, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(1, account_concurrency=1)
    lease = take(pool)
    hanging, goes_on, look = threading.Event(), threading.Event(), registry.all

    def hang() -> tuple[Account, ...]:
        hanging.set()
        assert goes_on.wait(10)
        return look()

    monkeypatch.setattr(registry, "all", hang)
    waiting = Waiting(pool, queue.SimpleQueue())
    assert hanging.wait(5)
    giving_back = threading.Thread(target=lease.close)  # as the owner thread of a tab does when an answer is complete
    giving_back.start()
    giving_back.join(5)
    assert not giving_back.is_alive()
    assert pool.running() == 0
    goes_on.set()
    waiting.thread.join(10)
    assert waiting.lease
    waiting.lease.close()


def take_all(pool: AccountPool) -> list[str]:
    """Return the accounts one request may try, in order."""
    given = []
    for lease in pool.leases(never):
        given.append(lease.account_id)
        lease.close()
    return given


def test_a_lease_that_takes_no_turn_leaves_the_rotation_as_it_is(make_pool: MakePool) -> None:
    pool = make_pool(3)
    next(pool.leases(lambda: False, takes_turn=False)).close()
    served = []
    for _ in range(3):
        lease = next(pool.leases(lambda: False))
        served.append(lease.account_id)
        lease.close()
    assert served == sorted(served)
    assert len(set(served)) == 3
