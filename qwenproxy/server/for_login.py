"""Serve the dashboard for the time of one login, in this process: where nobody has a screen, and no server runs.

Called by the account commands, on the address on which the server will listen. No load is meant for it; a request of a
client is answered all the same. Knows no login.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from qwenproxy.config import Config
from qwenproxy.disk.claim import local_url
from qwenproxy.server import bound_socket
from qwenproxy.server.serving import close, make_app

END_WAIT = 5.0  # seconds for its thread to end


class _Silent(WSGIRequestHandler):
    """Logs no requests: the application has its own log."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Do nothing."""


@contextlib.contextmanager
def login_server(config: Config) -> Iterator[str]:
    """Serve on HOST and PORT, and give the address for programs on this machine.

    The caller holds the session folder (disk/claim.py). Raises SetupError: no browser, address or port refused.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(bound_socket(config.host, config.port))
        app = make_app(config, lambda: None)
        stack.callback(close, app)
        server = make_server(
            config.host, config.port, app, threaded=True, request_handler=_Silent, fd=listener.fileno()
        )
        server.daemon_threads = True  # type: ignore[attr-defined]
        stack.callback(server.server_close)
        thread = threading.Thread(target=server.serve_forever, name="login-server", daemon=True)
        thread.start()
        stack.callback(thread.join, END_WAIT)
        stack.callback(server.shutdown)
        yield local_url(config.host, listener.getsockname()[1])
