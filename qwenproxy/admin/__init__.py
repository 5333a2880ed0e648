"""The dashboard: its pages, the API below them, and the numbers for Prometheus. For whoever runs the proxy.

The door lets only the admin key in here, or the cookie of our own page. Stands beside the wire APIs, on the same relay;
what it shows comes from the journal.
"""

from __future__ import annotations

from flask import Flask, Response

from qwenproxy.admin import (
    account_changes,
    accounts,
    connect,
    events,
    explain,
    keys,
    metrics,
    overview,
    pages,
    pictures,
    requests,
    session,
    settings,
    window_socket,
    windows,
)
from qwenproxy.admin.office import OFFICE, Office

__all__ = ["Office", "register"]

ROOMS = (
    account_changes,
    accounts,
    connect,
    events,
    explain,
    keys,
    metrics,
    overview,
    pages,
    pictures,
    requests,
    session,
    settings,
    window_socket,
    windows,
)
GUARDS = {
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def register(app: Flask, office: Office) -> None:
    """Put the dashboard's routes on the app."""
    app.extensions[OFFICE] = office
    for room in ROOMS:
        routes = room.blueprint()
        routes.after_request(_guarded)
        app.register_blueprint(routes)


def _guarded(response: Response) -> Response:
    """Have no browser keep what only the admin may see, nor another page frame or load it."""
    response.headers.update(GUARDS)
    return response
