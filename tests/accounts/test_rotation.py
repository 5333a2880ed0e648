"""Whose turn it is, played through without threads: clients, accounts and the time their answers take."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, cast

import pytest

from qwenproxy.accounts.rotation import BATCH, LEAD, Rotation
from qwenproxy.accounts.slots import PoolLimits, Slot, Waiter
from qwenproxy.browser.kept_page import KeptPage

PAGE = cast(KeptPage, object())  # of an open browser


class Game:
    """Clients that ask again as soon as they are answered, on accounts named a, b, c, ...

    `took(account_id)` gives the seconds an answer takes, `opening` those of an account's first browser.
    """

    def __init__(
        self, accounts: int, clients: int, took: Callable[[str], float], *, opening: float = 0.0, **limits: Any
    ) -> None:
        self.slots = [Slot(chr(ord("a") + number)) for number in range(accounts)]
        self.shares: Counter[str] = Counter()
        self.now = 0.0
        self.openings = 0
        self.queue = deque(Waiter(frozenset(), None) for _ in range(clients))
        self._limits = PoolLimits(**limits)
        self._rotation = Rotation(self._limits)
        self._took = took
        self._opening = opening
        self._events: list[tuple[float, int, Callable[[Slot], None], Slot]] = []
        self._numbers = itertools.count()

    def play(self, requests: int) -> None:
        """Serve so many requests."""
        while self.shares.total() < requests:
            self.dispatch()
            self._go_on()

    def dispatch(self) -> None:
        """Give waiting requests what is free, as the pool does."""
        for waiter in list(self.queue):
            slot = self._rotation.grant(waiter, self.slots, self.slots, self.now)
            if slot is None:
                continue
            self.queue.remove(waiter)
            self.shares[slot.id] += 1
            ready = self.now
            if slot.page is None and slot.running == 1:
                self._make_room(slot)
                ready += self._opening
                self._at(ready, self._open, slot)
            self._at(ready + self._took(slot.id), self._end, slot)

    def _make_room(self, newcomer: Slot) -> None:
        self.openings += 1
        held = [slot for slot in self.slots if slot.has_place and slot is not newcomer]
        idle = [slot for slot in held if not slot.running]
        for slot in idle[: max(0, len(held) + 1 - self._limits.max_browsers)]:
            slot.has_place, slot.page = False, None

    def _open(self, slot: Slot) -> None:
        slot.page = PAGE

    def _end(self, slot: Slot) -> None:
        slot.running -= 1
        slot.kept_since = None
        self.queue.append(Waiter(frozenset(), None))

    def _at(self, moment: float, act: Callable[[Slot], None], slot: Slot) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), act, slot))

    def _go_on(self) -> None:
        # The pool looks again every second.
        if self._events and self._events[0][0] <= self.now + 1:
            self.now, _, act, slot = heapq.heappop(self._events)
            act(slot)
        else:
            self.now += 1


@pytest.mark.parametrize("clients", [1, 2, 3, 5, 6, 7, 8, 12, 20])
@pytest.mark.parametrize("opening", [0.0, 3.0], ids=["open at once", "open in 3 s"])
def test_300_requests_on_three_accounts_are_100_each(clients: int, opening: float) -> None:
    dice = random.Random(clients)
    game = Game(3, clients, lambda _: dice.uniform(0.1, 0.4), opening=opening)
    game.play(300)
    assert len(game.shares) == 3
    # An account whose browser comes up holds nobody up, and does not catch up on all it missed meanwhile.
    missed = LEAD * 3 if opening else 1
    assert all(abs(count - 100) <= missed for count in game.shares.values()), game.shares


def test_an_account_with_long_answers_holds_the_others_up_once_only() -> None:
    game = Game(3, 8, lambda account_id: 1e6 if account_id == "a" else 1.0, turn_wait=5.0)
    game.play(300)
    # Four answers a second run on b and c, but for the wait until the turn passes a by.
    assert game.shares["a"] == 2
    assert abs(game.shares["b"] - game.shares["c"]) <= LEAD
    assert game.now <= 298 / 4 + 5.0 + 2.0


def test_a_turn_is_kept_a_little_only_while_another_account_is_idle() -> None:
    slots = [Slot("a", running=2, page=PAGE), Slot("b", turns=LEAD, page=PAGE), Slot("c", turns=LEAD)]
    rotation = Rotation(PoolLimits(account_concurrency=2, turn_wait=5.0))
    waiter = Waiter(frozenset(), None)
    assert rotation.grant(waiter, slots, slots, 100.0) is None
    assert rotation.grant(waiter, slots, slots, 100.9) is None
    assert rotation.grant(waiter, slots, slots, 101.0) is slots[1]
    assert rotation.grant(waiter, slots, slots, 101.0) is slots[2]


def test_up_to_the_lead_nobody_waits_for_a_busy_account() -> None:
    slots = [Slot("a", running=2, page=PAGE), Slot("b", page=PAGE), Slot("c", page=PAGE)]
    rotation = Rotation(PoolLimits(account_concurrency=2))
    grants = [rotation.grant(Waiter(frozenset(), None), slots, slots, 0.0) for _ in range(2 * LEAD)]
    assert [slot.id for slot in grants if slot] == ["b", "c"] * LEAD


@pytest.mark.parametrize(
    "waiter",
    [Waiter(frozenset("a"), None), Waiter(frozenset(), "b"), Waiter(frozenset(), None, False)],
    ids=["had it", "prefers another", "takes no turn"],
)
def test_who_cannot_or_need_not_have_the_busy_account_does_not_wait_for_it(waiter: Waiter) -> None:
    slots = [Slot("a", running=2, page=PAGE), Slot("b", turns=LEAD)]
    assert Rotation(PoolLimits(account_concurrency=2)).grant(waiter, slots, slots, 0.0) is slots[1]


def test_an_account_that_comes_back_does_not_get_all_it_missed() -> None:
    slots = [Slot(name, turns=turns, page=PAGE) for name, turns in (("a", 3), ("b", 1000), ("c", 1000))]
    rotation = Rotation(PoolLimits(account_concurrency=100))
    grants = [rotation.grant(Waiter(frozenset(), None), slots, slots, 0.0) for _ in range(30 + LEAD)]
    assert Counter(slot.id for slot in grants if slot) == {"a": 10 + LEAD, "b": 10, "c": 10}


@pytest.mark.parametrize("clients", [1, 3, 6])
def test_more_accounts_than_browsers_take_turns_in_batches(clients: int) -> None:
    dice = random.Random(clients)
    game = Game(20, clients, lambda _: dice.uniform(1, 10), opening=3.0, max_browsers=4)
    game.play(1000)
    assert len(game.shares) == 20
    assert max(game.shares.values()) - min(game.shares.values()) <= BATCH + LEAD
    assert game.openings <= 1000 / BATCH


def test_who_wants_one_account_gets_no_other_even_if_that_came_later() -> None:
    rotation, waiter = Rotation(PoolLimits(account_concurrency=1)), Waiter(frozenset(), None, only="a")
    busy, newcomer = Slot("a", running=1, page=PAGE), Slot("z", page=PAGE)
    assert rotation.grant(waiter, [busy, newcomer], [busy, newcomer], 0.0) is None
    busy.running = 0
    assert rotation.grant(waiter, [busy, newcomer], [busy, newcomer], 0.0) is busy
