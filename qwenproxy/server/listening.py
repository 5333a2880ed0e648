"""Try whether this machine can listen on an address.

Used by `start` before it prints anything else, and by the doctor. The server itself listens in `run`.
"""

from __future__ import annotations

import os
import socket

from qwenproxy.server import listening_refused


def listening_error(host: str, port: int) -> OSError | TypeError | None:
    """Try to listen (port 0 is any free port); return the error, None if it works."""
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
    """Raise SetupError if `host` is no address of this machine. Does not try `port`, only names it."""
    error = listening_error(host, 0)
    if error is not None:
        raise listening_refused(host, port, error)
