"""Notice a client that hung up while nothing is being written to it (contract section 6).

Works where the server exposes the connection: gunicorn gives its socket, waitress a check of its own.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from typing import Any


def client_gone_check(environ: dict[str, Any]) -> Callable[[], bool]:
    """Return a cheap check for this request: has the client closed its connection?"""
    if check := environ.get("waitress.client_disconnected"):
        return lambda: bool(check())
    connection = environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        return lambda: _is_closed(connection)
    return lambda: False


def _is_closed(connection: socket.socket) -> bool:
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            return bool(selector.select(0)) and not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except (OSError, ValueError):
        return True
