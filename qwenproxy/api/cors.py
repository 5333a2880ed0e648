"""Let only the web pages of QWENPROXY_CORS_ORIGINS use the proxy (contract 2 and 4).

A browser sends requests for any page it shows, also to this machine. So we refuse a request with a foreign Origin if it
changes something or opens a WebSocket, and allow only configured origins to read answers. Programs send no Origin; this
module does not concern them.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask, Response, request

from qwenproxy.api.auth import LOGIN_ROUTE, READING_METHODS, is_loopback_host, is_own_origin, page_cookie
from qwenproxy.errors import ForbiddenHost

EXPOSED_HEADERS = "retry-after, server-timing, x-qwenproxy-context, x-qwenproxy-ignored, x-request-id, x-should-retry"
PREFLIGHT_AGE = 600  # seconds that a browser may remember the answer to a preflight


def register_cors(app: Flask, origins: Iterable[str]) -> None:
    """Refuse foreign pages, and allow the pages of `origins` ("*": all pages) to read answers."""
    allowed = frozenset(origins)

    @app.before_request
    def check_origin() -> None:
        origin = request.headers.get("Origin")
        if origin is None or not _changes_state() or _is_allowed(origin, allowed) or is_loopback_origin(origin):
            return
        if is_own_origin(origin) and (request.path == LOGIN_ROUTE or page_cookie()):
            return  # the dashboard, seen from another machine
        raise ForbiddenHost(
            f"Web pages of {origin[:100]} may not use this proxy. To allow them, add their origin to "
            "QWENPROXY_CORS_ORIGINS."
        )

    @app.after_request
    def grant_reading(response: Response) -> Response:
        return _with_permission(response, allowed) if allowed else response


def is_loopback_origin(origin: str) -> bool:
    """Tell whether an Origin header names a page that this machine itself serves."""
    scheme, _, host = origin.partition("://")
    return scheme in ("http", "https") and is_loopback_host(host)


def _changes_state() -> bool:
    return request.method not in READING_METHODS or "Upgrade" in request.headers


def _is_allowed(origin: str, allowed: frozenset[str]) -> bool:
    return "*" in allowed or origin.lower() in allowed


def _with_permission(response: Response, allowed: frozenset[str]) -> Response:
    if "*" not in allowed:
        # Caches must not hand one page's permission to another.
        response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin is None or not _is_allowed(origin, allowed):
        return response
    response.headers["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = ", ".join(sorted(response.allow))
        if names := request.headers.get("Access-Control-Request-Headers"):
            # Repeat the names, because "*" would not cover Authorization.
            response.headers["Access-Control-Allow-Headers"] = names
            response.vary.add("Access-Control-Request-Headers")
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_AGE)
    else:
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    return response
