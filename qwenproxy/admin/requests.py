"""GET /admin/api/requests: the last requests, and one of them with all that happened on its way."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.admin.office import office
from qwenproxy.api.errors import json_response
from qwenproxy.errors import NotFound


def blueprint() -> Blueprint:
    """Return the routes of the requests."""
    routes = Blueprint("admin-requests", __name__)
    routes.add_url_rule("/admin/api/requests", view_func=list_requests)
    routes.add_url_rule("/admin/api/requests/<row_id>", view_func=show_request)
    return routes


def list_requests() -> ResponseReturnValue:
    """Answer GET /admin/api/requests: the newest first."""
    return json_response({"requests": office().inspector.rows()})


def show_request(row_id: str) -> ResponseReturnValue:
    """Answer GET /admin/api/requests/ID."""
    row = office().inspector.row(row_id)
    if row is None:
        raise NotFound("There is no such request among the last ones.")
    return json_response(row)
