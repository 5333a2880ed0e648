"""Limits of the site that concern one kind of work only, such as uploads.

The pool asks it before it gives an account out for such work. Knows no registry.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence

from qwenproxy.accounts.standing import rest_until
from qwenproxy.errors import AccountsResting, ProxyError, RateLimited
from qwenproxy.observe import journal

log = logging.getLogger(__name__)


class KindRests:
    """Which accounts rest for one kind of work only, such as uploads; they do all other work.

    Kept in memory only: after a restart the server asks the site once more. Safe among threads.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._until: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def note(self, account_id: str, error: ProxyError, now: float) -> bool:
        """Let the account rest for the kind that an error limits; False for an error that limits none.

        Sets the error's `retry_after`, so that the client learns how long that is.
        """
        if not isinstance(error, RateLimited) or error.kind is None:
            return False
        until = rest_until(error, now)
        error.retry_after = until - now
        with self._lock:
            self._until[account_id, error.kind] = until
        journal.note(journal.KindRests(account_id, error.kind, until - now, error.message))
        return True

    def rests(self, account_id: str, kind: str, now: float) -> bool:
        """Tell whether an account rests for a kind of work (`now` in s since 1970)."""
        with self._lock:
            return self._until.get((account_id, kind), 0.0) > now

    def resting(self, kinds: Sequence[str], usable: Iterable[str], now: float) -> frozenset[str]:
        """Return those of the usable accounts that rest for one of these kinds of work (`now` in s since 1970).

        Raises AccountsResting if that is all of them.
        """
        ids = list(usable)
        with self._lock:
            waits = {each: max(self._until.get((each, kind), 0.0) for kind in kinds) - now for each in ids}
        resting = frozenset(each for each in ids if waits[each] > 0)
        if resting and len(resting) == len(ids):
            wait = max(1.0, min(waits.values()))
            names = " and ".join(kinds)
            raise AccountsResting(
                f"Every account is over its limit for this kind of work ({names}); the first one is back in "
                f"{wait:.0f} s. Other requests go on. To go on with this now: qwenproxy account add",
                retry_after=wait,
            )
        return resting
