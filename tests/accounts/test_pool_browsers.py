"""The pool's browsers: opened when needed, bounded in number, replaced when dead, closed when idle."""

from __future__ import annotations

import logging
import random
import threading

import pytest
from clocks import NOW
from fake_tabs import FakeOpener, FakeTab
from leases import begin_opening, never, open_tab, take, use
from makers import MakePool
from session_files import account_of
from spelling import spelled

from qwenproxy.accounts import browsers
from qwenproxy.accounts.account import Account
from qwenproxy.accounts.registry import Registry
from qwenproxy.errors import (
    BrowserError,
    NetworkFailed,
    NotLoggedIn,
    ProxyError,
    QueueTimeout,
    RateLimited,
    SetupError,
    TabLost,
)


def watch_closings(opener: FakeOpener, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return an event that is set once a tab is closed."""
    end, note = threading.Event(), opener.note_closed

    def note_end(tab: FakeTab) -> None:
        note(tab)
        end.set()

    monkeypatch.setattr(opener, "note_closed", note_end)
    return end


def test_a_browser_is_opened_once_and_only_when_needed(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(2)
    assert opener.opened == []
    assert use(pool, "a") is use(pool, "a")
    assert opener.opened == ["a"]


def test_requests_at_once_share_one_opening(make_pool: MakePool, opener: FakeOpener) -> None:
    opener.open_gates["a"] = threading.Event()
    pool = make_pool(1, account_concurrency=8)
    leases = [take(pool) for _ in range(8)]
    tabs = []
    threads = [threading.Thread(target=lambda lease=lease: tabs.append(lease.open())) for lease in leases]
    for thread in threads:
        thread.start()
    assert opener.opening.wait(5)
    opener.open_gates["a"].set()
    for thread, lease in zip(threads, leases, strict=True):
        thread.join()
        lease.close()
    assert opener.opened == ["a"]
    assert len(set(map(id, tabs))) == 1


def test_the_least_recently_used_browser_makes_room(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(4, max_browsers=2)
    for account_id in ("a", "b", "a", "c"):
        use(pool, account_id)
    assert set(opener.tabs) == {"a", "c"}
    use(pool, "d")
    assert set(opener.tabs) == {"c", "d"}
    assert opener.most_open == 2


def test_a_running_browser_is_never_closed_for_room(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(3, max_browsers=1, account_concurrency=1, queue_wait=0)
    lease = take(pool)
    assert lease.open().alive
    with pytest.raises(QueueTimeout):
        use(pool, "b")
    assert lease.open().alive
    lease.close()
    use(pool, "b")
    assert opener.most_open == 1


def test_one_idle_browser_makes_room_for_one_only(make_pool: MakePool) -> None:
    pool = make_pool(4, max_browsers=2, account_concurrency=1, queue_wait=0)
    use(pool, "b")
    running = [take(pool, prefer="a"), take(pool, prefer="c")]
    for another in ("b", "d"):
        with pytest.raises(QueueTimeout):
            take(pool, prefer=another)
    for lease in running:
        lease.close()


def test_twenty_accounts_share_four_browsers(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(20, max_browsers=4)
    failures = []

    def work(seed: int) -> None:
        choice = random.Random(seed)
        try:
            for _ in range(20):
                lease = take(pool, prefer=chr(ord("a") + choice.randrange(20)))
                assert open_tab(lease).account_id == lease.account_id
                lease.close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert opener.most_open == 4
    assert len(set(opener.opened)) > 10


def test_idle_browsers_are_closed(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(3)
    use(pool, "a")
    lease = take(pool, prefer="b")
    assert lease.open().alive
    pool.close_idle(1000)
    assert set(opener.tabs) == {"a", "b"}
    pool.close_idle(0)
    assert set(opener.tabs) == {"b"}
    lease.close()
    use(pool, "a")
    assert opener.opened == ["a", "b", "a"]


def test_the_janitor_closes_idle_browsers_by_itself(
    make_pool: MakePool, opener: FakeOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = watch_closings(opener, monkeypatch)
    pool = make_pool(1, idle_browser=0.001)
    use(pool, "a")
    assert end.wait(5)


def test_a_browser_that_ended_by_itself_is_open_no_more(
    make_pool: MakePool, opener: FakeOpener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    end = watch_closings(opener, monkeypatch)
    pool = make_pool(2)
    use(pool, "a")
    use(pool, "b")
    assert pool.open_browsers() == ("a", "b")
    opener.tabs["a"].alive = False
    assert pool.open_browsers() == ("b",)
    assert end.wait(5)
    assert set(opener.tabs) == {"b"}
    assert "account=a its browser ended by itself" in caplog.text
    assert not pool._slots["a"].has_place, "it takes no browser's place"


def test_a_browser_that_never_came_up_takes_no_place(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(1)
    opener.errors["a"].append(SetupError("x"))
    lease = take(pool)
    with pytest.raises(SetupError):
        lease.open()
    lease.close()
    pool._browsers.close_ended()
    assert not pool._slots["a"].has_place


def test_a_dead_browser_that_a_request_has_is_left_to_it(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(1)
    lease = take(pool)
    page = open_tab(lease)
    page.alive = False
    pool._browsers.close_ended()
    assert not page.closed
    assert open_tab(lease) is not page
    lease.close()


def test_the_browser_of_an_account_that_needs_its_person_is_closed(
    make_pool: MakePool, opener: FakeOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = watch_closings(opener, monkeypatch)
    pool = make_pool(2)
    lease = take(pool)
    assert lease.open().alive
    lease.reject(NotLoggedIn("x"))
    assert end.wait(5)


def test_the_browser_of_a_resting_account_stays(make_pool: MakePool, opener: FakeOpener, registry: Registry) -> None:
    pool = make_pool(1)
    lease = take(pool)
    assert lease.open().alive
    lease.reject(RateLimited("x"))
    pool.sweep()
    assert set(opener.tabs) == {"a"}


def test_the_janitor_outlives_a_registry_that_cannot_be_read(
    make_pool: MakePool, registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool(1)
    looked, healthy = threading.Event(), registry.all

    def broken() -> None:
        looked.set()
        raise SetupError("unreadable")

    lease = take(pool)
    monkeypatch.setattr(registry, "all", broken)
    with caplog.at_level(logging.WARNING):
        lease.close()
        assert looked.wait(5)
        sweeping = threading.Event()

        def mended() -> tuple[Account, ...]:
            if threading.current_thread().name == "pool-janitor":
                sweeping.set()
            return healthy()

        monkeypatch.setattr(registry, "all", mended)
        take(pool).close()
        assert sweeping.wait(5)


def test_an_account_that_is_just_being_closed_opens_again_only_after(
    make_pool: MakePool, opener: FakeOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two closings waits for the first, and its account is asked for meanwhile."""
    opener.close_gates["a"] = threading.Event()
    pool = make_pool(2)
    use(pool, "a")
    use(pool, "b")
    closer = threading.Thread(target=pool.close_idle, args=(0,))
    closing = threading.Event()
    gate = opener.close_gates["a"]

    def wait(_timeout: float) -> bool:
        closing.set()
        return threading.Event.wait(gate, 10)

    monkeypatch.setattr(gate, "wait", wait)
    closer.start()
    assert closing.wait(5)
    assert use(pool, "b").alive
    opener.close_gates["a"].set()
    closer.join()
    assert "b" in opener.tabs
    assert use(pool, "b").alive


def test_a_dead_tab_is_replaced(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(1)
    tab = use(pool, "a")
    tab.alive = False
    assert use(pool, "a") is not tab
    assert tab.closed


def test_a_new_token_opens_the_browser_anew_once_nothing_runs(
    make_pool: MakePool, opener: FakeOpener, registry: Registry
) -> None:
    pool = make_pool(1)
    lease = take(pool)
    old = open_tab(lease)
    registry.renew("a", "token-new")
    other = take(pool)
    assert open_tab(other) is old
    lease.close()
    other.close()
    new = use(pool, "a")
    assert new is not old and new.token == "token-new" and old.closed


def test_an_account_removed_under_its_lease(make_pool: MakePool, registry: Registry) -> None:
    pool = make_pool(1)
    lease = take(pool)
    registry.remove("a")
    with pytest.raises(NotLoggedIn, match="removed"):
        lease.open()
    lease.close()


@pytest.mark.parametrize("error", [TabLost("x"), NetworkFailed("x"), SetupError("x")], ids=spelled)
def test_an_opening_that_fails_leaves_the_account_usable(
    make_pool: MakePool, opener: FakeOpener, registry: Registry, error: ProxyError
) -> None:
    opener.errors["a"].append(error)
    pool = make_pool(1, max_browsers=1)
    lease = take(pool)
    with pytest.raises(type(error)):
        lease.open()
    lease.reject(error)
    assert account_of(registry, "a").status(NOW) == "OK"
    assert use(pool, "a").alive


def test_close_closes_everything_and_may_be_repeated(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(3)
    leases = [take(pool, prefer=account_id) for account_id in "abc"]
    tabs = [open_tab(lease) for lease in leases]
    pool.close()
    pool.close()
    assert all(tab.closed for tab in tabs) and opener.tabs == {}
    with pytest.raises(TabLost, match="stopping"):
        leases[0].open()
    for lease in leases:
        lease.close()


def test_close_waits_for_a_browser_that_is_coming_up(make_pool: MakePool, opener: FakeOpener) -> None:
    opener.open_gates["a"] = threading.Event()
    pool = make_pool(1)
    lease = take(pool)
    opening = begin_opening(lease, opener)
    closing = threading.Thread(target=pool.close)
    closing.start()
    opener.open_gates["a"].set()
    opening.join()
    closing.join()
    assert opener.opened == ["a"] and opener.tabs == {}
    lease.close()


def test_leases_end_with_the_pool(make_pool: MakePool) -> None:
    pool = make_pool(1)
    pool.close()
    for lease in pool.leases(never):
        with pytest.raises(TabLost):
            lease.open()
        lease.close()


def test_the_next_request_has_the_settings_of_now(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(1)
    first = use(pool, "a")
    opener.tabs["a"].is_current = False  # its account has another proxy now
    second = use(pool, "a")
    assert second is not first and not first.alive
    assert use(pool, "a") is second


def test_an_idle_browser_with_settings_of_yesterday_is_closed(
    make_pool: MakePool, opener: FakeOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(2)
    use(pool, "a")
    use(pool, "b")
    end = watch_closings(opener, monkeypatch)
    opener.tabs["a"].is_current = False
    pool.sweep()
    assert end.wait(5)
    assert set(opener.tabs) == {"b"}
    use(pool, "a")  # and opened when it is needed


def test_an_answer_under_way_ends_before_its_browser_is_closed(
    make_pool: MakePool, opener: FakeOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(1)
    lease = take(pool)
    first = open_tab(lease)
    end = watch_closings(opener, monkeypatch)
    opener.tabs["a"].is_current = False
    pool.sweep()
    assert use(pool, "a") is first  # beside the answer that runs
    assert first.alive
    lease.close()
    pool.sweep()
    assert end.wait(5)
    assert use(pool, "a") is not first


def test_answers_without_a_gap_do_not_keep_the_old_settings(
    make_pool: MakePool, opener: FakeOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsers, "OUTDATED_WAIT", 0.0)
    pool = make_pool(1)
    lease = take(pool)
    first = open_tab(lease)
    opener.tabs["a"].is_current = False
    assert use(pool, "a") is not first
    assert not first.alive
    lease.close()


def test_a_browser_that_reaches_nothing_is_given_up(make_pool: MakePool, opener: FakeOpener) -> None:
    pool = make_pool(1)
    lease = take(pool)
    open_tab(lease)
    lease.reject(BrowserError("The proxy is gone."))
    opener.errors["a"].append(BrowserError("The proxy is gone."))
    lease = take(pool)
    with pytest.raises(BrowserError) as caught:
        lease.open()
    lease.reject(caught.value)
    account = account_of(pool.registry, "a")
    assert (account.status(NOW), account.reason) == ("WAIT", "browser")
