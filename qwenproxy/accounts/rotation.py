"""Whose turn it is: accounts are used in turn, by how many requests each has had.

The pool asks it under its lock for every waiting request. Decides on the slots alone. Knows no registry, no browsers
and no threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from qwenproxy.accounts.slots import PoolLimits, Room, Slot, Waiter

LEAD = 2  # requests that an account may be ahead of the one whose turn it is
BATCH = 8  # requests after which an open browser makes room, if there are more accounts than browsers
IDLE_SHARE = 0.2  # of `turn_wait`, while another account is idle


class Rotation:
    """The order in which one pool's accounts take requests."""

    def __init__(self, limits: PoolLimits, room: Room | None = None) -> None:
        """`limits` say what may run at once, and how long requests wait for a busy account.

        `room` is for the browsers; None is what the limits say.
        """
        self._limits = limits
        self._room = room or Room(limits.max_browsers)
        self._grants = 0

    def grant(self, waiter: Waiter, usable: Sequence[Slot], slots: Collection[Slot], now: float) -> Slot | None:
        """Give the request the account whose turn it is; None while it has to wait (`now` in s, monotonic).

        `usable` are the accounts that are OK, `slots` all of them. An account whose browser is starting takes no second
        request if there are others: only one request pays for a browser that never starts.
        If the due account has no room, the next one takes the request, up to LEAD requests ahead. Then new requests
        wait for the due account for up to `turn_wait`; this can happen again only after it had room, because a long
        answer must not stop all others.
        """
        rank = self._rank(usable, slots)
        order, free = self._candidates(waiter, usable, slots)
        if not free:
            return None
        choice, due = _best(free, waiter), order[0]
        runs_ahead = choice.id != waiter.prefer and rank(choice)[0] - rank(due)[0] >= LEAD
        if waiter.takes_turn and runs_ahead and not due.is_opening:
            due.kept_since = now if due.kept_since is None else due.kept_since
            if now - due.kept_since < self._patience(free):
                return None
        self._give(choice, waiter, usable)
        return choice

    def foresee(self, waiter: Waiter, usable: Sequence[Slot], slots: Collection[Slot]) -> tuple[str, bool] | None:
        """Return the account that `grant` would give now, and whether the request has to wait for it; change nothing.

        None if the request excludes every usable account.
        """
        order, free = self._candidates(waiter, usable, slots)
        return (_best(free or order, waiter).id, not free) if order else None

    def _candidates(
        self, waiter: Waiter, usable: Sequence[Slot], slots: Collection[Slot]
    ) -> tuple[list[Slot], list[Slot]]:
        """Return the accounts for a request, the one whose turn it is first, and those of them that have room."""
        order = sorted((slot for slot in usable if waiter.may_get(slot.id)), key=self._rank(usable, slots))
        free = [slot for slot in order if self._has_room(slot, slots) and not (slot.is_opening and len(usable) > 1)]
        return order, free

    def _give(self, slot: Slot, waiter: Waiter, usable: Sequence[Slot]) -> None:
        if waiter.takes_turn:
            self._grants += 1
            slot.turns = max(slot.turns, self._floor(usable)) + 1
            slot.served = self._grants
            slot.kept_since = None
        slot.running += 1
        slot.has_place = True

    def _rank(self, usable: Sequence[Slot], slots: Collection[Slot]) -> Callable[[Slot], tuple[int, int]]:
        """Return the sort key of accounts: the requests they took, then the number of the last one."""
        floor = self._floor(usable)
        is_crowded = self._is_crowded(usable) and sum(slot.has_place for slot in slots) >= self._room.places

        def rank(slot: Slot) -> tuple[int, int]:
            # Opening a browser takes a second or more: it has to be worth it.
            return max(slot.turns, floor) + BATCH * (is_crowded and not slot.has_place), slot.served

        return rank

    def _floor(self, usable: Sequence[Slot]) -> int:
        """Return a lower bound for request counts, so that an account that was away gets no burst of requests."""
        lag = LEAD + BATCH * self._is_crowded(usable)
        return max((slot.turns for slot in usable), default=0) - lag

    def _is_crowded(self, usable: Sequence[Slot]) -> bool:
        return len(usable) > self._room.places

    def _has_room(self, slot: Slot, slots: Collection[Slot]) -> bool:
        if slot.running >= self._limits.account_concurrency:
            return False
        # Only idle browsers can make room, each for one newcomer: so no more accounts run than browsers may be open.
        return slot.running > 0 or sum(s.running > 0 for s in slots) < self._room.places

    def _patience(self, free: Sequence[Slot]) -> float:
        """Return how many seconds a request waits for the due account, while these are free."""
        others_idle = any(not slot.running for slot in free)
        return self._limits.turn_wait * (IDLE_SHARE if others_idle else 1.0)


def _best(slots: Sequence[Slot], waiter: Waiter) -> Slot:
    """Return the account that a request prefers, or the first one."""
    return next((slot for slot in slots if slot.id == waiter.prefer), slots[0])
