"""GET /admin/api/overview: accounts, windows, answers, queue and browsers now, and the last hour in minutes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.admin.accounts import account_rows
from qwenproxy.admin.office import Office, office
from qwenproxy.admin.windows import window_rows
from qwenproxy.api.errors import json_response


def blueprint() -> Blueprint:
    """Return the route of the overview."""
    routes = Blueprint("admin-overview", __name__)
    routes.add_url_rule("/admin/api/overview", view_func=show)
    return routes


def show() -> ResponseReturnValue:
    """Answer GET /admin/api/overview."""
    parts = office()
    return json_response({**moment(parts), "hour": parts.hour.minutes()})


def moment(parts: Office) -> dict[str, Any]:
    """Return the state of now."""
    now = parts.metrics.moment()
    return {
        "now": parts.clock(),
        "running": now.running,
        "waiting": now.waiting,
        "browsers": now.browsers,
        "accounts": account_rows(parts),
        "windows": window_rows(parts),
    }
