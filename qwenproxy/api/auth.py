"""Who may ask: the client's key and the Host header, checked before any route runs (contract section 4)."""

from __future__ import annotations

import ipaddress

from flask import Flask, request

from qwenproxy.errors import ForbiddenHost, InvalidApiKey
from qwenproxy.keys import KeyFile

OPEN_ROUTES = ("/health",)


def register_auth(app: Flask, keys: KeyFile, *, loopback_only: bool) -> None:
    """Check every request; `loopback_only` refuses Host headers that name another machine (DNS rebinding)."""

    @app.before_request
    def check_request() -> None:
        if loopback_only and not is_loopback_host(request.headers.get("Host", "")):
            raise ForbiddenHost("This server answers only to localhost. Set QWENPROXY_HOST to let other machines in.")
        if request.path not in OPEN_ROUTES and request.method != "OPTIONS":
            check_key(keys)


def check_key(keys: KeyFile) -> None:
    """Raise InvalidApiKey unless the request carries a valid key, where any are set."""
    if not keys.enabled:
        return
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not keys.check(key.strip()):
        raise InvalidApiKey("Send a valid key: Authorization: Bearer <key>. The keys are in Authorization.txt.")


def is_loopback_host(host: str) -> bool:
    """Tell whether a Host header names this machine by a loopback name or address."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
