"""Tickets: each lets one person in at one place, once and soon. The dashboard gives them out for a person's window.

Stands beside the keys; knows no HTTP and no place. Nothing is written down: a server that starts anew forgets them.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable

TICKET_LIFE = 120.0  # seconds
TICKET_BYTES = 32  # of chance


class Tickets:
    """The tickets that nobody has used yet. For any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is in seconds."""
        self._clock = clock
        self._places: dict[bytes, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def give(self, place: str) -> str:
        """Return a new ticket for a place."""
        ticket, now = secrets.token_urlsafe(TICKET_BYTES), self._clock()
        with self._lock:
            self._places = {key: each for key, each in self._places.items() if each[1] > now}
            self._places[_key(ticket)] = place, now + TICKET_LIFE
        return ticket

    def redeem(self, ticket: str) -> str | None:
        """Return the place that a ticket is for; None if it is none of ours, was used, or is too old."""
        with self._lock:
            place, until = self._places.pop(_key(ticket), ("", 0.0))
        return place if until > self._clock() else None


def _key(ticket: str) -> bytes:
    # Not the ticket itself: how long a search takes then says nothing of it.
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()
