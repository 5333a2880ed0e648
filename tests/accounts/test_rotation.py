"""Whose turn it is, played through without threads: clients, accounts and the time their answers take."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, deque

import pytest
from spelling import spelled

from qwenproxy.accounts.rotation import BATCH, LEAD, Rotation
from qwenproxy.accounts.slots import PoolLimits, Slot, Waiter


class Game:
    """Clients that ask again as soon as they are answered, on accounts named a, b, c, ...

    `took(account_id)` gives the seconds an answer takes, `opening` those of an account's first browser.
    """

    def __init__(self, accounts, clients, took, *, opening=0.0, **limits):
        self.slots = [Slot(chr(ord("a") + number)) for number in range(accounts)]
        self.served = Counter()
        self.now = 0.0
        self.openings = 0
        self.queue = deque(Waiter(frozenset(), None) for _ in range(clients))
        self._limits = PoolLimits(**limits)
        self._rotation = Rotation(self._limits)
        self._took = took
        self._opening = opening
        self._events = []
        self._numbers = itertools.count()

    def play(self, requests):
        """Serve so many requests."""
        while self.served.total() < requests:
            self.dispatch()
            self._go_on()

    def dispatch(self):
        """Give waiting requests what is free, as the pool does."""
        for waiter in list(self.queue):
            slot = self._rotation.grant(waiter, self.slots, self.slots, self.now)
            if slot is None:
                continue
            self.queue.remove(waiter)
            self.served[slot.id] += 1
            ready = self.now
            if slot.page is None and slot.running == 1:
                self._make_room(slot)
                ready += self._opening
                self._at(ready, self._open, slot)
            self._at(ready + self._took(slot.id), self._end, slot)

    def _make_room(self, newcomer):
        self.openings += 1
        held = [slot for slot in self.slots if slot.has_place and slot is not newcomer]
        idle = [slot for slot in held if not slot.running]
        for slot in idle[: max(0, len(held) + 1 - self._limits.max_browsers)]:
            slot.has_place, slot.page = False, None

    def _open(self, slot):
        slot.page = object()

    def _end(self, slot):
        slot.running -= 1
        slot.kept_since = None
        self.queue.append(Waiter(frozenset(), None))

    def _at(self, moment, act, slot):
        heapq.heappush(self._events, (moment, next(self._numbers), act, slot))

    def _go_on(self):
        # The pool looks again every second.
        if self._events and self._events[0][0] <= self.now + 1:
            self.now, _, act, slot = heapq.heappop(self._events)
            act(slot)
        else:
            self.now += 1


@pytest.mark.parametrize("clients", [1, 2, 3, 5, 6, 7, 8, 12, 20])
@pytest.mark.parametrize("opening", [0.0, 3.0])
def test_300_requests_on_three_accounts_are_100_each(clients, opening):
    dice = random.Random(clients)
    game = Game(3, clients, lambda _: dice.uniform(0.1, 0.4), opening=opening)
    game.play(300)
    assert len(game.served) == 3
    # An account whose browser comes up holds nobody up, and does not catch up on all it missed meanwhile.
    missed = LEAD * 3 if opening else 1
    assert all(abs(count - 100) <= missed for count in game.served.values()), game.served


def test_an_account_with_long_answers_holds_the_others_up_once_only():
    game = Game(3, 8, lambda account_id: 1e6 if account_id == "a" else 1.0, turn_wait=5.0)
    game.play(300)
    # Four answers a second run on b and c, but for the wait until the turn passes a by.
    assert game.served["a"] == 2
    assert abs(game.served["b"] - game.served["c"]) <= LEAD
    assert game.now <= 298 / 4 + 5.0 + 2.0


def test_a_turn_is_kept_a_little_only_while_another_account_is_idle():
    slots = [Slot("a", running=2, page=object()), Slot("b", turns=LEAD, page=object()), Slot("c", turns=LEAD)]
    rotation = Rotation(PoolLimits(account_concurrency=2, turn_wait=5.0))
    waiter = Waiter(frozenset(), None)
    assert rotation.grant(waiter, slots, slots, 100.0) is None
    assert rotation.grant(waiter, slots, slots, 100.9) is None
    assert rotation.grant(waiter, slots, slots, 101.0) is slots[1]
    assert rotation.grant(waiter, slots, slots, 101.0) is slots[2]


def test_up_to_the_lead_nobody_waits_for_a_busy_account():
    slots = [Slot("a", running=2, page=object()), Slot("b", page=object()), Slot("c", page=object())]
    rotation = Rotation(PoolLimits(account_concurrency=2))
    granted = [rotation.grant(Waiter(frozenset(), None), slots, slots, 0.0) for _ in range(2 * LEAD)]
    assert [slot.id for slot in granted] == ["b", "c"] * LEAD


@pytest.mark.parametrize(
    "waiter", [Waiter(frozenset("a"), None), Waiter(frozenset(), "b"), Waiter(frozenset(), None, False)], ids=spelled
)
def test_who_cannot_or_need_not_have_the_busy_account_does_not_wait_for_it(waiter):
    slots = [Slot("a", running=2, page=object()), Slot("b", turns=LEAD)]
    assert Rotation(PoolLimits(account_concurrency=2)).grant(waiter, slots, slots, 0.0) is slots[1]


def test_an_account_that_comes_back_does_not_get_all_it_missed():
    slots = [Slot(name, turns=turns, page=object()) for name, turns in (("a", 3), ("b", 1000), ("c", 1000))]
    rotation = Rotation(PoolLimits(account_concurrency=100))
    granted = Counter(rotation.grant(Waiter(frozenset(), None), slots, slots, 0.0).id for _ in range(30 + LEAD))
    assert granted == {"a": 10 + LEAD, "b": 10, "c": 10}


@pytest.mark.parametrize("clients", [1, 3, 6])
def test_more_accounts_than_browsers_take_turns_in_batches(clients):
    dice = random.Random(clients)
    game = Game(20, clients, lambda _: dice.uniform(1, 10), opening=3.0, max_browsers=4)
    game.play(1000)
    assert len(game.served) == 20
    assert max(game.served.values()) - min(game.served.values()) <= BATCH + LEAD
    assert game.openings <= 1000 / BATCH
