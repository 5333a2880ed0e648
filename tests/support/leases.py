"""Leases as a request takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qwenproxy.accounts.lease import Lease
from qwenproxy.accounts.pool import AccountPool


def never() -> bool:
    """Stand for a client that stays."""
    return False


def take(pool: AccountPool, client_gone: Callable[[], bool] = never, **preference: Any) -> Lease:
    """Return the pool's next lease."""
    return next(pool.leases(client_gone, **preference))
