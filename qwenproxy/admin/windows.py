"""/admin/api/windows: windows in which a person logs in, begun, followed and ended (contract 11.6).

window_socket.py shows one. Who looks at it is the account, so looking takes a ticket: good for one time, and soon.
"""

from __future__ import annotations

import math
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qwenproxy.access.tickets import TICKET_LIFE
from qwenproxy.admin.account_changes import account_of, proxy_in, text_in
from qwenproxy.admin.office import Office, office
from qwenproxy.api.auth import is_loopback_host, is_own_origin
from qwenproxy.api.bodies import optional_json_body
from qwenproxy.api.errors import json_response
from qwenproxy.errors import ForbiddenHost, NotFound, RequestError
from qwenproxy.logins.at_page import LONGEST, PageLogin, Wish

SHORTEST = 1.0  # seconds


def blueprint() -> Blueprint:
    """Return the routes of the windows."""
    routes = Blueprint("admin-windows", __name__)
    routes.add_url_rule("/admin/api/windows", view_func=list_windows)
    routes.add_url_rule("/admin/api/windows", view_func=open_new, methods=["POST"])
    routes.add_url_rule("/admin/api/accounts/<account_id>/window", view_func=open_for, methods=["POST"])
    routes.add_url_rule("/admin/api/windows/<window_id>", view_func=show)
    routes.add_url_rule("/admin/api/windows/<window_id>", view_func=cancel, methods=["DELETE"])
    routes.add_url_rule("/admin/api/windows/<window_id>/ticket", view_func=give_ticket, methods=["POST"])
    routes.add_url_rule("/admin/api/windows/<window_id>/done", view_func=confirm, methods=["POST"])
    return routes


def list_windows() -> ResponseReturnValue:
    """Answer GET /admin/api/windows: those that are open."""
    return json_response({"windows": window_rows(office())})


def open_new() -> ResponseReturnValue:
    """Answer POST /admin/api/windows: a window in which a person adds an account."""
    body = optional_json_body()
    wish = Wish(None, text_in(body, "id") or None, proxy_in(body), _wait_in(body))
    return json_response(_row(office().windows.begin(wish)), 201)


def open_for(account_id: str) -> ResponseReturnValue:
    """Answer POST /admin/api/accounts/ID/window: a window in which its person logs in again, or passes a check.

    The account serves no request meanwhile; answers under way come to their end first.
    """
    wish = Wish(account_of(account_id), login_wait=_wait_in(optional_json_body()))
    return json_response(_row(office().windows.begin(wish)), 201)


def show(window_id: str) -> ResponseReturnValue:
    """Answer GET /admin/api/windows/ID: how the login stands, also for a while after it has ended."""
    return json_response(_row(_login(window_id)))


def cancel(window_id: str) -> ResponseReturnValue:
    """Answer DELETE /admin/api/windows/ID: the window closes, and nothing changes."""
    login = _login(window_id)
    login.cancel()
    return json_response({"id": login.id, "closed": True})


def confirm(window_id: str) -> ResponseReturnValue:
    """Answer POST /admin/api/windows/ID/done: the person has done what they came for."""
    login = _login(window_id)
    login.confirm()
    return json_response(_row(login))


def give_ticket(window_id: str) -> ResponseReturnValue:
    """Answer POST /admin/api/windows/ID/ticket: what opens the window's WebSocket, once."""
    login = _login(window_id)
    refuse_readable_way()
    return json_response({"ticket": office().tickets.give(login.id), "seconds": TICKET_LIFE}, 201)


def window_rows(parts: Office) -> list[dict[str, Any]]:
    """Return the windows that are open, for the dashboard."""
    return [_row(login) for login in parts.windows.all()]


def refuse_readable_way() -> None:
    """Raise ForbiddenHost if others could read on the way what a person types.

    Behind a server that speaks https in our place only the page's own address tells so.
    """
    origin = request.headers.get("Origin", "")
    behind_https = origin.startswith("https://") and is_own_origin(origin)
    if not (request.is_secure or behind_https or is_loopback_host(request.headers.get("Host", ""))):
        raise ForbiddenHost(
            "A window shows a login and takes passwords, so it opens only over https or on the proxy's own machine. "
            "From elsewhere use an SSH tunnel, ssh -L 8000:localhost:8000 MACHINE with the proxy's port, and open "
            "http://localhost:8000/ui/ here."
        )


def _wait_in(body: dict[str, Any]) -> float:
    value = body.get("wait", LONGEST)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < SHORTEST:
        raise RequestError("wait must be a number of seconds, 1 or more.", param="wait")
    return min(float(value), LONGEST)


def _login(window_id: str) -> PageLogin:
    login = office().windows.get(window_id)
    if login is None:
        raise NotFound("There is no such window. It may have been closed; open another one.")
    return login


def _row(login: PageLogin) -> dict[str, Any]:
    standing = login.standing
    return {
        "id": login.id,
        "account": standing.account_id,
        "isNew": standing.is_new,
        "state": standing.state,
        "step": standing.step,
        "remaining": max(0, round(standing.remaining)),
        "outcome": standing.outcome,
        "message": standing.message,
    }
