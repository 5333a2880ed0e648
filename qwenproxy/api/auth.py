"""Who may ask: the client's key and the Host header, checked before any route runs (contract 4)."""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Iterable
from typing import cast

from flask import Flask, current_app, request

from qwenproxy.access.door import Door, Scope
from qwenproxy.errors import ForbiddenHost, InvalidApiKey, SetupError

log = logging.getLogger(__name__)

DOOR = "qwenproxy.door"
OPEN_ROUTES = ("/health",)
SOCKET_ROUTE = "/api/ws"

KEY_HEADERS = ("Authorization", "x-api-key", "api-key")

_AROUND = " \t\"'`"
_LEADING = re.compile(r"(?:bearer\s+|[\s\"'`])+", re.IGNORECASE)


def register_auth(app: Flask, door: Door, *, loopback_only: bool) -> None:
    """Check every request; `loopback_only` refuses Host headers that name another machine (DNS rebinding)."""
    app.extensions[DOOR] = door

    @app.before_request
    def check_request() -> None:
        if loopback_only and not (is_loopback_host(request.headers.get("Host", "")) or _has_no_host()):
            raise ForbiddenHost("This server answers only to localhost. Set QWENPROXY_HOST to let other machines in.")
        if request.path not in OPEN_ROUTES and request.method != "OPTIONS" and not _key_comes_later():
            check_keys(sent_keys())


def check_keys(keys: Iterable[str], scope: Scope = "client") -> None:
    """Raise InvalidApiKey unless one of the keys opens the scope, or none is needed."""
    door = cast(Door, current_app.extensions[DOOR])
    try:
        door.check(keys, scope)
    except SetupError as error:
        # The text names a place on this machine, which is nothing for a stranger to read.
        log.error("no client is let in: %s", error.message)
        raise InvalidApiKey("The proxy cannot read its keys, so it lets nobody in; its log says why.") from None


def sent_keys() -> tuple[str, ...]:
    """Return what the request's headers may mean as a key, nothing where there is none."""
    header = request.headers.get("Authorization", "").strip()
    scheme, _, key = (header.strip(_AROUND) if header[:1] in _AROUND else header).partition(" ")
    sent = [key] if scheme.lower() == "bearer" else []
    sent += [request.headers.get(name, "") for name in KEY_HEADERS[1:]]
    return tuple(dict.fromkeys(meant for text in sent for meant in meant_keys(text)))


def meant_keys(text: str) -> tuple[str, ...]:
    """Return the keys that a text may stand for: people paste them with quotes, or with a second `Bearer`."""
    whole = text.strip()
    bare = _LEADING.sub("", whole).strip(_AROUND)
    found = [each for each in dict.fromkeys((whole, bare)) if each]
    return tuple(dict.fromkeys([*found, *(_as_utf8(each) for each in found)]))


def _as_utf8(text: str) -> str:
    """Return a header's text as its sender meant it: servers hand its bytes on as if they were latin-1."""
    try:
        return text.encode("latin-1").decode()
    except ValueError:
        return text


def is_loopback_host(host: str) -> bool:
    """Tell whether a Host header names this machine by a loopback name or address."""
    parts = re.fullmatch(r"\[([^\]]+)\](?::\d+)?|([^:]+)(?::\d+)?", host)
    if parts is None:
        return False
    name = (parts[1] or parts[2]).lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _has_no_host() -> bool:
    """Tell whether a program of the old days asks: only HTTP/1.0 may leave Host out, and no browser speaks that."""
    return request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0" and "Host" not in request.headers


def _key_comes_later() -> bool:
    """Tell whether this opens a WebSocket that names its key in its first message, as web pages must."""
    opens_socket = request.path == SOCKET_ROUTE and request.headers.get("Upgrade", "").lower() == "websocket"
    return opens_socket and not any(name in request.headers for name in KEY_HEADERS)
