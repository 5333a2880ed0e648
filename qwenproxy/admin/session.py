"""Getting in and out of the dashboard: the admin key becomes a cookie, and the page gets its token (contract 11)."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from qwenproxy import __version__
from qwenproxy.access.admin import COOKIE_DAYS
from qwenproxy.admin.office import office
from qwenproxy.api.auth import LOGIN_ROUTE, SESSION_ROUTE, cookie_name, keys_in, let_in, page_cookie
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.errors import RequestError


def blueprint() -> Blueprint:
    """Return the routes of the dashboard's login."""
    routes = Blueprint("admin-session", __name__)
    routes.add_url_rule(LOGIN_ROUTE, view_func=log_in, methods=["POST"])
    routes.add_url_rule("/admin/api/logout", view_func=log_out, methods=["POST"])
    routes.add_url_rule(SESSION_ROUTE, view_func=show)
    return routes


def log_in() -> ResponseReturnValue:
    """Answer POST /admin/api/login: a cookie in return for the admin key."""
    key = json_body().get("key")
    if not isinstance(key, str):
        raise RequestError("key must be a text: the admin key, in Admin.txt.", param="key")
    let_in(keys_in(key), "admin")
    cookie = office().admin_keys.new_cookie()
    response = _session(cookie)
    response.set_cookie(
        cookie_name(),
        cookie,
        max_age=COOKIE_DAYS * 86400,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


def log_out() -> ResponseReturnValue:
    """Answer POST /admin/api/logout: the browser forgets the cookie."""
    response = json_response({"loggedOut": True})
    response.delete_cookie(cookie_name(), httponly=True, samesite="Strict")
    return response


def show() -> ResponseReturnValue:
    """Answer GET /admin/api/session: what the page needs to know first, its token among it."""
    return _session(page_cookie())


def _session(cookie: str) -> Response:
    token = office().admin_keys.page_token(cookie) if cookie else None
    facts = {"version": __version__, "lang": office().lang} if token else {}
    return json_response({"pageToken": token, **facts})
