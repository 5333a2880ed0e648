"""Closes browsers whose account has other settings by now, such as another proxy; the next request opens it anew.

The pool's janitor calls it. Works through the pool's own means, so that no request gets the account meanwhile.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from qwenproxy.errors import SetupError

if TYPE_CHECKING:
    from qwenproxy.accounts.browsers import Browsers
    from qwenproxy.accounts.pool import AccountPool


def close_outdated(pool: AccountPool, browsers: Browsers) -> None:
    """Begin to close them: answers under way get the time that they get for a person. Returns at once."""
    for account_id in browsers.outdated():
        name = f"try-{account_id}"
        if name not in [thread.name for thread in threading.enumerate()]:
            threading.Thread(target=_close, args=(pool, account_id), name=name, daemon=True).start()


def _close(pool: AccountPool, account_id: str) -> None:
    with contextlib.suppress(SetupError):  # a person has the account: its browser is closed already
        pool.reserve(account_id).close()
