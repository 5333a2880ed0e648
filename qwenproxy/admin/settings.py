"""GET /admin/api/settings: what `qwenproxy config` prints."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.admin.office import office, wanted_language
from qwenproxy.api.errors import json_response


def blueprint() -> Blueprint:
    """Return the route of the settings."""
    routes = Blueprint("admin-settings", __name__)
    routes.add_url_rule("/admin/api/settings", view_func=show)
    return routes


def show() -> ResponseReturnValue:
    """Answer GET /admin/api/settings."""
    names = ("name", "value", "origin", "meaning")
    rows = office().settings(wanted_language())
    return json_response({"settings": [dict(zip(names, row, strict=True)) for row in rows]})
