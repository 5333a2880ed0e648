"""GET /metrics: the numbers for Prometheus (contract 11.4)."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from qwenproxy.admin.office import office
from qwenproxy.observe.metrics import CONTENT_TYPE


def blueprint() -> Blueprint:
    """Return the route of the numbers."""
    routes = Blueprint("metrics", __name__)
    routes.add_url_rule("/metrics", view_func=show)
    return routes


def show() -> ResponseReturnValue:
    """Answer GET /metrics."""
    return Response(office().metrics.text(), content_type=CONTENT_TYPE)
