"""Whether this machine can listen on an address: tried before anything else of it is said.

Asked by `start` and the doctor; the server itself listens in server.py.
"""

from __future__ import annotations

import os
import socket

from qwenproxy.server import listening_refused


def listening_error(host: str, port: int) -> OSError | TypeError | None:
    """Try to listen, 0 being any free port; return what was raised, None when it works."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen()
    except (OSError, TypeError) as error:
        return error
    return None


def refuse_foreign_host(host: str, port: int) -> None:
    """Raise SetupError where `host` is no address of this machine; `port` is named in it, and not tried."""
    error = listening_error(host, 0)
    if error is not None:
        raise listening_refused(host, port, error)
