"""The state of the server and its accounts: GET /health, open to all, and GET /api/status, with the accounts' ids.

Both only read files, so that they cost no account anything; where browsers open on a Selenium Grid, its hub is asked,
too. Neither shows a token or a password. HEAD / shows only that a server is here: clients of Anthropic's API ask so
before their first request.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from qwenproxy.accounts.account import iso_text, iso_texts
from qwenproxy.api.auth import is_probe
from qwenproxy.api.errors import json_response
from qwenproxy.api.wiring import proxies, relay
from qwenproxy.errors import GridError

if TYPE_CHECKING:
    from qwenproxy.browser.grid_hub import GridHub


def blueprint() -> Blueprint:
    """Return the status routes."""
    routes = Blueprint("status", __name__)
    routes.add_url_rule("/health", view_func=health)
    routes.add_url_rule("/api/status", view_func=account_status)
    return routes


def health() -> ResponseReturnValue:
    """Answer GET /health."""
    counts = {"OK": 0, "WAIT": 0, "INVALID": 0}
    now = time.time()
    for account in relay().pool.registry.all():
        counts[account.status(now)] += 1
    resting = iso_texts(relay().pool.kinds_resting())
    return json_response({"status": "ok", "accounts": counts, **({"resting": resting} if resting else {})})


def answer_probe() -> Response | None:
    """Answer HEAD / and HEAD /api/hello, None for any other request. No route does, because GET stays unknown there."""
    return Response(mimetype="application/json") if is_probe() else None


def account_status() -> ResponseReturnValue:
    """Answer GET /api/status. `authenticated`: the login of at least one account is still valid."""
    now = time.time()
    accounts = []
    for account in relay().pool.registry.all():
        status = account.status(now)
        reset_at = iso_text(account.reset_at) if status == "WAIT" and account.reset_at is not None else None
        reason = {"reason": str(account.trouble)} if status == "WAIT" and account.trouble else {}
        address = proxies().shown(account.id)
        proxy = {"proxy": address} if address else {}
        kinds = iso_texts(relay().pool.kinds_resting(account.id))
        resting = {"resting": kinds} if kinds else {}
        accounts.append({"id": account.id, "status": status, "resetAt": reset_at, **reason, **proxy, **resting})
    authenticated = any(account["status"] != "INVALID" for account in accounts)
    hub = relay().grid
    grid = {"grid": _grid(hub)} if hub else {}
    return json_response({"authenticated": authenticated, "accounts": accounts, **grid})


def _grid(hub: GridHub) -> dict[str, object]:
    """Return where browsers open, with nodes and slots; or why the hub does not tell."""
    try:
        report = hub.report()
    except GridError as error:
        return {"url": str(hub.address), "reachable": False, "reason": error.message}
    nodes = [
        {
            "uri": node.uri,
            "status": node.status,
            "sessions": node.sessions,
            "slots": node.max_sessions,
            "accounts": list(node.accounts),
        }
        for node in report.nodes
    ]
    counts = {"slots": report.slots, "sessions": report.sessions, "queue": report.queue}
    return {"url": str(hub.address), "reachable": True, "version": report.version, **counts, "nodes": nodes}
