"""GET /api/ws: the native chat over a WebSocket, one request of POST /api/chat per message (contract 4).

The address; ws_chat.py checks the key and answers, api/sockets.py opens and closes.
"""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint

from qwenproxy.api.auth import SOCKET_ROUTE
from qwenproxy.api.native.ws_chat import SocketChat
from qwenproxy.api.sockets import socket_routes
from qwenproxy.errors import NotFound, ProxyError, RequestError


def blueprint() -> Blueprint:
    """Return the WebSocket route, and a plain HTTP route at its address that explains it."""
    routes = socket_routes("ws", [SOCKET_ROUTE], SocketChat, _unavailable)
    routes.add_url_rule(SOCKET_ROUTE, endpoint="explain", view_func=_explain)
    return routes


def _unavailable() -> ProxyError:
    return NotFound('This server has no WebSockets (waitress, used on Windows). Use POST /api/chat with "stream":true.')


def _explain() -> NoReturn:
    raise RequestError('This address speaks WebSocket (ws://…). Over plain HTTP use POST /api/chat with "stream":true.')
