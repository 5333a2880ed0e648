"""An account that is set aside for a person: no request gets it, and nothing holds its profile."""

from __future__ import annotations

import threading

import pytest
from fake_tabs import FakeOpener
from leases import begin_opening, take, use
from makers import MakePool

from qwenproxy.errors import QueueTimeout, SetupError, TabLost


def test_no_request_gets_a_reserved_account_and_its_browser_is_closed(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(2)
    use(pool, "a")
    reservation = pool.reserve("a")
    assert (opener.tabs, pool.open_browsers()) == ({}, ())
    leases = [take(pool, prefer="a"), take(pool, prefer="a")]
    assert [lease.account_id for lease in leases] == ["b", "b"]
    reservation.close()
    for lease in leases:
        lease.close()
    assert use(pool, "a").alive


def test_a_request_waits_for_the_only_account(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(1)
    reservation = pool.reserve("a")
    given = []
    waiting = threading.Thread(target=lambda: given.append(take(pool)))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    reservation.close()
    reservation.close()
    waiting.join(10)
    assert [lease.account_id for lease in given] == ["a"]
    given[0].close()


def test_a_request_does_not_wait_for_ever(make_pool: MakePool) -> None:
    pool = make_pool(1, queue_wait=0)
    pool.reserve("a")
    with pytest.raises(QueueTimeout):
        take(pool)


def test_answers_under_way_end_first(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(2)
    lease = take(pool, prefer="a")
    page = lease.open()
    reserving = threading.Thread(target=pool.reserve, args=("a", 60.0))
    reserving.start()
    for _ in range(2):  # the one it is taken from is passed over meanwhile
        use(pool, "b")
    assert page.alive
    assert lease.open() is page
    lease.close()
    reserving.join(10)
    assert not reserving.is_alive()
    assert not page.alive


def test_answers_that_do_not_end_lose_their_browser(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(1)
    lease = take(pool)
    page = lease.open()
    pool.reserve("a", answers_wait=0)
    assert (page.alive, opener.tabs) == (False, {})
    with pytest.raises(TabLost, match="set aside"):
        lease.open()
    assert opener.tabs == {}
    lease.close()


def test_a_browser_that_is_coming_up_is_closed_too(make_pool: MakePool, opener: FakeOpener) -> None:
    opener.open_gates["a"] = threading.Event()
    pool = make_pool(1)
    lease = take(pool)
    opening = begin_opening(lease, opener)
    reserving = threading.Thread(target=pool.reserve, args=("a", 0.0))
    reserving.start()
    opener.open_gates["a"].set()
    for thread in (opening, reserving):
        thread.join(10)
        assert not thread.is_alive()
    assert opener.tabs == {}
    lease.close()


def test_an_account_is_reserved_once(make_pool: MakePool) -> None:
    pool = make_pool(1)
    reservation = pool.reserve("a")
    with pytest.raises(SetupError, match="a is set aside"):
        pool.reserve("a")
    reservation.close()
    pool.reserve("a").close()
