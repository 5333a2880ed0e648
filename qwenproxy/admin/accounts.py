"""/admin/api/accounts: the accounts as the dashboard shows them; check one, remove one (contract 11)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.accounts.account import Account, iso_text, iso_texts
from qwenproxy.admin.account_changes import account_of
from qwenproxy.admin.office import Office, office
from qwenproxy.api.errors import json_response
from qwenproxy.logins import site_report
from qwenproxy.logins.check import check_account
from qwenproxy.logins.removal import remove_account

RELEASE_WAIT = 15.0  # seconds for the account's browser to end before its folder goes


def blueprint() -> Blueprint:
    """Return the routes of the accounts."""
    routes = Blueprint("admin-accounts", __name__)
    routes.add_url_rule("/admin/api/accounts", view_func=list_accounts)
    routes.add_url_rule("/admin/api/accounts/<account_id>/check", view_func=check, methods=["POST"])
    routes.add_url_rule("/admin/api/accounts/<account_id>", view_func=remove, methods=["DELETE"])
    return routes


def list_accounts() -> ResponseReturnValue:
    """Answer GET /admin/api/accounts."""
    return json_response({"accounts": account_rows(office())})


def check(account_id: str) -> ResponseReturnValue:
    """Answer POST /admin/api/accounts/ID/check: ask the site about the account, which costs no quota.

    The account serves no request meanwhile; answers under way come to their end first.
    """
    parts = office()
    account = account_of(account_id)
    opener = parts.opener()
    with parts.relay.pool.reserve(account.id):
        result = check_account(parts.relay.pool.registry, opener, account, parts.lang)
    return json_response({"kind": result.kind, "detail": result.detail, "account": _row(parts, account.id)})


def remove(account_id: str) -> ResponseReturnValue:
    """Answer DELETE /admin/api/accounts/ID: the account's login is deleted, here and now."""
    parts = office()
    account = account_of(account_id)
    with parts.relay.pool.reserve(account.id):
        remove_account(parts.relay.pool.registry, account.id, RELEASE_WAIT)
    return json_response({"id": account.id, "removed": True})


def account_rows(parts: Office) -> list[dict[str, Any]]:
    """Return all accounts for the dashboard. Reads what is on the disk; asks no site."""
    pool = parts.relay.pool
    open_browsers, running = frozenset(pool.open_browsers()), pool.load()[0]
    return [
        {**_facts(parts, account), "browser": account.id in open_browsers, "running": running.get(account.id, 0)}
        for account in pool.registry.all()
    ]


def _row(parts: Office, account_id: str) -> dict[str, Any] | None:
    return next((row for row in account_rows(parts) if row["id"] == account_id), None)


def _facts(parts: Office, account: Account) -> dict[str, Any]:
    status = account.status(parts.clock())
    report = site_report.read(parts.relay.pool.registry.folder(account.id))
    return {
        "id": account.id,
        "status": "VERIFY" if status == "WAIT" and account.reason == "verification" else status,
        "resetAt": iso_text(account.reset_at) if status == "WAIT" and account.reset_at is not None else None,
        "expiresAt": iso_text(account.expires_at) if account.expires_at is not None else None,
        "renewable": account.renewable,
        "trouble": account.trouble.say(parts.lang) if status == "WAIT" and account.trouble else "",
        "settings": list(report.settings.changing) if report.settings else [],
        "resting": iso_texts(parts.relay.pool.kinds_resting(account.id)),
        "proxy": parts.proxies.shown(account.id),
    }
