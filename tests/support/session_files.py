"""What stands in a session folder, written and read by hand as the older project or a crash may have left it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qwenproxy.accounts.account import Account
from qwenproxy.accounts.registry import Registry

OLDER: list[dict[str, Any]] = [
    {"id": "acc_1", "token": "t1", "resetAt": None, "invalid": False},
    {"id": "acc_2", "token": "t2", "resetAt": "2025-10-09T09:53:20.500Z", "email": "me@example.org"},
    {"id": "acc_3", "token": "t3", "resetAt": 1760000001000, "invalid": True},
]


def records_in(session: Path) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads((session / "tokens.json").read_text(encoding="utf-8"))
    return records


def account_of(registry: Registry, account_id: str) -> Account:
    """Return an account that must be there."""
    account = registry.get(account_id)
    assert account is not None, account_id
    return account


def write_older(session: Path, records: object = OLDER) -> None:
    session.mkdir(exist_ok=True)
    (session / "tokens.json").write_text(json.dumps(records, indent=2), encoding="utf-8")


def write_token(session: Path, account_id: str, token: str) -> None:
    (session / "accounts" / account_id).mkdir(parents=True)
    (session / "accounts" / account_id / "token.txt").write_text(token, encoding="utf-8")
