"""Which pictures the last answers held, and which account's they are: the dashboard shows these, and fetches no other.

Whoever asks for an answer hands them in; an address that only a model wrote is none of them. As part of a question such
an address goes to the site as it is. In memory only, a bounded number.
Knows neither the site nor HTTP.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

KEPT = 500  # addresses


class AnsweredPictures:
    """The addresses of the pictures of the last answers. For any thread."""

    def __init__(self, kept: int = KEPT) -> None:
        """`kept` bounds their number; the oldest go first."""
        self._kept = kept
        self._accounts: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, addresses: Iterable[str], account_id: str) -> None:
        """Keep the addresses of the pictures that stand in an answer of this account."""
        with self._lock:
            for address in addresses:
                self._accounts[address] = account_id
                self._accounts.move_to_end(address)
            while len(self._accounts) > self._kept:
                self._accounts.popitem(last=False)

    def __contains__(self, address: object) -> bool:
        """Tell whether one of the last answers held the picture at this address."""
        with self._lock:
            return address in self._accounts

    def account_of(self, address: str) -> str | None:
        """Return the account whose answer held this picture, None if none of the last ones did."""
        with self._lock:
            return self._accounts.get(address)
