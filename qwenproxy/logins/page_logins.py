"""The logins of a server whose windows the dashboard shows: begun, found, ended with the server.

Between the dashboard's routes and at_page.py. Knows no HTTP.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from qwenproxy.accounts.account import refuse_taken_id
from qwenproxy.errors import QueueTimeout
from qwenproxy.logins.at_page import PageLogin, Place, Wish

MOST = 4  # windows at once; each has a browser
KEPT = 20  # logins that have ended and can still be asked for
ID_BYTES = 9


class PageLogins:
    """The logins, until `close`. For any thread."""

    def __init__(self, make_place: Callable[[], Place]) -> None:
        """`make_place` returns where they take place."""
        self._make_place = make_place
        self._lock = threading.Lock()
        self._logins: dict[str, PageLogin] = {}
        self._is_closed = False

    def begin(self, wish: Wish) -> PageLogin:
        """Open a window; an account has one at a time. Raises SetupError for a bad id, QueueTimeout for too many."""
        place = self._make_place()
        if wish.account is None and wish.new_id is not None:
            refuse_taken_id(wish.new_id, place.registry.all())
        with self._lock:
            running = [each for each in self._logins.values() if each.standing.state == "running"]
            same = [each for each in running if _account_id(each.wish) == _account_id(wish) != ""]
            if same:
                return same[0]
            if len(running) >= MOST or self._is_closed:
                raise QueueTimeout(f"{MOST} windows are open already. Close one.", retry_after=5)
            login = PageLogin(secrets.token_urlsafe(ID_BYTES), place, wish)
            ended = [each for each in self._logins.values() if each not in running]
            self._logins = {each.id: each for each in (*ended[-KEPT:], *running, login)}
        login.start()
        return login

    def get(self, login_id: str) -> PageLogin | None:
        """Return a login that runs, or has ended not long ago."""
        with self._lock:
            return self._logins.get(login_id)

    def all(self) -> tuple[PageLogin, ...]:
        """Return the logins that run."""
        with self._lock:
            logins = tuple(self._logins.values())
        return tuple(each for each in logins if each.standing.state == "running")

    def close(self) -> None:
        """End all and their browsers. Idempotent."""
        with self._lock:
            self._is_closed = True
        running = self.all()
        for login in running:
            login.cancel()
        for login in running:
            login.close()


def _account_id(wish: Wish) -> str:
    return wish.account.id if wish.account else wish.new_id or ""
