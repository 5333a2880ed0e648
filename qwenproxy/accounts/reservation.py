"""An account set aside for a person: no request gets it, and its browser is closed.

The pool gives it out while the person logs in. Knows no queue and no browser.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Reservation:
    """An account set aside for a person, from `pool.reserve` until close()."""

    def __init__(self, account_id: str, give_back: Callable[[], None]) -> None:
        self.account_id = account_id
        self._give_back = give_back
        self._closing = threading.Lock()
        self._is_closed = False

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let requests have the account again. Idempotent, from any thread."""
        with self._closing:
            was_closed, self._is_closed = self._is_closed, True
        if not was_closed:
            self._give_back()
