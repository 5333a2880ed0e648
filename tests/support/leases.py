"""Leases as a request takes them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

from fake_tabs import FakeOpener, FakeTab

from qwenproxy.accounts.lease import Lease
from qwenproxy.accounts.pool import AccountPool


def never() -> bool:
    """Stand for a client that stays."""
    return False


def take(pool: AccountPool, client_gone: Callable[[], bool] = never, **preference: Any) -> Lease:
    """Return the pool's next lease."""
    return next(pool.leases(client_gone, **preference))


def open_tab(lease: Lease) -> FakeTab:
    """Open the account's page, which is a tab of the opener."""
    return cast(FakeTab, lease.open())


def begin_opening(lease: Lease, opener: FakeOpener) -> threading.Thread:
    """Open the account's page in a thread, and return the thread once its browser is coming up."""
    opening = threading.Thread(target=lease.open)
    opening.start()
    assert opener.opening.wait(5)
    return opening


def use(pool: AccountPool, account_id: str) -> FakeTab:
    """Run one request on the account, as far as its tab."""
    lease = take(pool, prefer=account_id)
    assert lease.account_id == account_id
    try:
        tab = open_tab(lease)
    finally:
        lease.close()
    return tab
