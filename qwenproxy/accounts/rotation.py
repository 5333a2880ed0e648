"""Whose turn it is: accounts are used in turn, by how many requests each has had.

Asked by the pool under its lock for every waiting request; decides on the slots alone. Knows no registry, no browsers
and no threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from qwenproxy.accounts.slots import PoolLimits, Slot, Waiter

LEAD = 2  # requests that an account may be ahead of the one whose turn it is
BATCH = 8  # requests after which an open browser makes room, where there are more accounts than browsers
IDLE_SHARE = 0.2  # of `turn_wait`, where another account stands idle meanwhile


class Rotation:
    """The order in which one pool's accounts take requests."""

    def __init__(self, limits: PoolLimits) -> None:
        """Take over what may run at once, and how long a busy account's turn is kept for it."""
        self._limits = limits
        self._grants = 0

    def grant(self, waiter: Waiter, usable: Sequence[Slot], slots: Collection[Slot], now: float) -> Slot | None:
        """Give the request the account whose turn it is; None while it has to wait (`now` in s, monotonic).

        `usable` are the accounts that are OK, `slots` all there are. One whose browser is coming up takes no second
        request where there are others: only one request pays for a browser that never comes up.
        Where the account whose turn it is has no room, the next one takes the request, up to LEAD requests ahead.
        After that the turn is kept for it for at most `turn_wait`, and not again before it had room: a long answer
        must not stop all others.
        """
        rank = self._rank(usable, slots)
        order = sorted((slot for slot in usable if slot.id not in waiter.excluded), key=rank)
        free = [slot for slot in order if self._has_room(slot, slots) and not (slot.is_opening and len(usable) > 1)]
        if not free:
            return None
        chosen = next((slot for slot in free if slot.id == waiter.prefer), free[0])
        if waiter.takes_turn:
            lead = rank(chosen)[0] - rank(order[0])[0]
            if chosen.id != waiter.prefer and lead >= LEAD and self._is_kept(order[0], free, now):
                return None
            self._count(chosen, usable)
        chosen.running += 1
        chosen.has_place = True
        return chosen

    def _rank(self, usable: Sequence[Slot], slots: Collection[Slot]) -> Callable[[Slot], tuple[int, int]]:
        """Return what sorts accounts: requests taken, then who was served longest ago."""
        floor = self._floor(usable)
        crowded = self._is_crowded(usable) and sum(slot.has_place for slot in slots) >= self._limits.max_browsers

        def rank(slot: Slot) -> tuple[int, int]:
            # Opening a browser takes a second or more: it has to be worth it.
            return max(slot.turns, floor) + BATCH * (crowded and not slot.has_place), slot.served

        return rank

    def _floor(self, usable: Sequence[Slot]) -> int:
        """Return the least number of requests that counts: who was away does not catch up with all it missed."""
        lag = LEAD + BATCH * self._is_crowded(usable)
        return max((slot.turns for slot in usable), default=0) - lag

    def _is_crowded(self, usable: Sequence[Slot]) -> bool:
        return len(usable) > self._limits.max_browsers

    def _has_room(self, slot: Slot, slots: Collection[Slot]) -> bool:
        if slot.running >= self._limits.account_concurrency:
            return False
        # Only idle browsers can make room, each for one newcomer: so no more accounts run than browsers may be open.
        return slot.running > 0 or sum(s.running > 0 for s in slots) < self._limits.max_browsers

    def _is_kept(self, due: Slot, free: Sequence[Slot], now: float) -> bool:
        """Tell whether its turn is kept for a busy account, while others are free."""
        if due.is_opening:
            return False
        others_idle = any(not slot.running for slot in free)
        if due.kept_since is None:
            due.kept_since = now
        patience = self._limits.turn_wait * (IDLE_SHARE if others_idle else 1.0)
        return now - due.kept_since < patience

    def _count(self, slot: Slot, usable: Sequence[Slot]) -> None:
        self._grants += 1
        slot.turns = max(slot.turns, self._floor(usable)) + 1
        slot.served = self._grants
        slot.kept_since = None
