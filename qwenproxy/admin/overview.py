"""GET /admin/api/overview: the state of accounts, answers, queue and browsers, and the last hour in minutes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.admin.accounts import account_rows
from qwenproxy.admin.office import Office, office
from qwenproxy.api.errors import json_response


def blueprint() -> Blueprint:
    """Return the route of the overview."""
    routes = Blueprint("admin-overview", __name__)
    routes.add_url_rule("/admin/api/overview", view_func=show)
    return routes


def show() -> ResponseReturnValue:
    """Answer GET /admin/api/overview."""
    parts = office()
    return json_response({**moment(parts), "accounts": account_rows(parts), "hour": parts.hour.minutes()})


def moment(parts: Office) -> dict[str, Any]:
    """Return the numbers of now."""
    now = parts.metrics.moment()
    return {"now": parts.clock(), "running": now.running, "waiting": now.waiting, "browsers": now.browsers}
