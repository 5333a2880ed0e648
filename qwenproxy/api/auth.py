"""Who may ask: the client's key and the Host header, checked before any route runs (contract section 4)."""

from __future__ import annotations

import ipaddress
import logging
import re
from typing import cast

from flask import Flask, current_app, request

from qwenproxy.errors import ForbiddenHost, InvalidApiKey, SetupError
from qwenproxy.keys import KeyFile

log = logging.getLogger(__name__)

DOOR = "qwenproxy.door"
OPEN_ROUTES = ("/health",)
SOCKET_ROUTE = "/api/ws"

WRONG_KEY = (
    "Send a valid key: Authorization: Bearer <key>. The keys are in Authorization.txt; "
    "where the proxy runs, `qwenproxy keys list --show` shows them."
)
NO_KEY_LEFT = (
    "The proxy listens beyond its machine and has no API key left, so it lets nobody in. "
    "Where it runs, `qwenproxy keys add` makes one."
)


def register_auth(app: Flask, keys: KeyFile, *, loopback_only: bool, key_required: bool = False) -> None:
    """Check every request; `loopback_only` refuses Host headers that name another machine (DNS rebinding).

    With `key_required` nobody is let in while there is no key at all; without it everybody is.
    """
    app.extensions[DOOR] = _Door(keys, key_required=key_required)

    @app.before_request
    def check_request() -> None:
        if loopback_only and not is_loopback_host(request.headers.get("Host", "")):
            raise ForbiddenHost("This server answers only to localhost. Set QWENPROXY_HOST to let other machines in.")
        if request.path not in OPEN_ROUTES and request.method != "OPTIONS" and not _key_comes_later():
            check_key(sent_key())


def check_key(key: str) -> None:
    """Raise InvalidApiKey unless the key is a valid one, or none is needed."""
    door = cast(_Door, current_app.extensions[DOOR])
    try:
        door.check(key)
    except SetupError as error:
        # The text names a place on this machine, which is nothing for a stranger to read.
        log.error("no client is let in: %s", error.message)
        raise InvalidApiKey("The proxy cannot read its keys, so it lets nobody in; its log says why.") from None


def sent_key() -> str:
    """Return the key in the request's Authorization header, "" where there is none."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


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


class _Door:
    """The keys, and what holds without any."""

    def __init__(self, keys: KeyFile, *, key_required: bool) -> None:
        self._keys = keys
        self._key_required = key_required
        self._warned = False

    def check(self, key: str) -> None:
        """Raise InvalidApiKey unless `key` opens the door, SetupError where the keys cannot be read."""
        if self._keys.enabled:
            self._warned = False
            if not self._keys.check(key):
                raise InvalidApiKey(WRONG_KEY)
        elif self._key_required:
            if not self._warned:
                log.warning("%s", NO_KEY_LEFT)
            self._warned = True
            raise InvalidApiKey(NO_KEY_LEFT)


def _key_comes_later() -> bool:
    """Tell whether this opens a WebSocket that names its key in its first message, as web pages must."""
    opens_socket = request.path == SOCKET_ROUTE and request.headers.get("Upgrade", "").lower() == "websocket"
    return opens_socket and "Authorization" not in request.headers
