"""GET /health: is the server up, and how are its accounts. Open to all, so it tells no ids and no secrets."""

from __future__ import annotations

import time

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.api.errors import json_response
from qwenproxy.api.wiring import relay


def blueprint() -> Blueprint:
    """Return the status routes."""
    routes = Blueprint("status", __name__)
    routes.add_url_rule("/health", view_func=health)
    return routes


def health() -> ResponseReturnValue:
    """Answer GET /health."""
    counts = {"OK": 0, "WAIT": 0, "INVALID": 0}
    now = time.time()
    for account in relay().pool.registry.all():
        counts[account.status(now)] += 1
    return json_response({"status": "ok", "accounts": counts})
