"""The waitress half of server.py, for Windows, where gunicorn does not exist: threads in this very process.

Ctrl-C and SIGTERM let running answers finish for a while, a second one does not.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import waitress

from qwenproxy.config import Config
from qwenproxy.relay.questions import Relay
from qwenproxy.server.bent import end_without_waiting
from qwenproxy.server.serving import begin, make_app, note_no_accounts, relay_of

log = logging.getLogger(__name__)

LAST_WORDS_WAIT = 3.0  # seconds for what ended them to reach their clients
CONNECTIONS = 450  # at once; what select() takes on Windows is 512, browsers and files included


def serve_waitress(
    config: Config, listener: socket.socket, warm_up: Callable[[Relay], None], drain: Callable[[Relay], None]
) -> int:
    """Serve on the bound socket until a signal; return the exit status. Closes the socket.

    `drain` lets running answers end for a while, then closes the relay.
    """
    app = make_app(config)
    relay = relay_of(app)
    server = waitress.create_server(
        app,
        sockets=[listener],
        threads=config.threads,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=sys.platform != "win32",
        channel_request_lookahead=1,  # so that a client that leaves is noticed
        send_bytes=1,  # each piece of an answer at once
        max_request_body_size=config.max_body,
        ident=None,
    )
    end_without_waiting(server)
    end = _End(server, lambda: drain(relay))
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end.on_signal)
    begin(config, relay, warm_up, end.for_want_of_accounts)
    try:
        server.run()
    finally:
        relay.close()
        server.close()
    return end.status


class _End:
    """How the server ends: the first signal asks for it, the second one does not wait any longer."""

    def __init__(self, server: Any, drain: Callable[[], None]) -> None:
        self.status = 0
        self._server = server
        self._drain = drain
        self._begun = False
        self._over = False

    def on_signal(self, *_: object) -> None:
        """Begin the end, or end. Runs in the main thread, which serves the connections."""
        if self._over:
            return  # nothing may cut short the closing of the browsers
        if self._begun:
            self._over = True
            sys.exit(self.status)
        self._begun = True
        self._server.accepting = False
        threading.Thread(target=self._finish, name="drain", daemon=True).start()

    def for_want_of_accounts(self) -> None:
        """Begin the end because every account needs a new login; whoever asked hears of it first."""
        if not self.status:
            self.status = note_no_accounts()
            self._signal()

    def _finish(self) -> None:
        self._drain()
        deadline = time.monotonic() + LAST_WORDS_WAIT
        while any(channel.requests for channel in list(self._server.active_channels.values())):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        self._signal()

    def _signal(self) -> None:
        signal.raise_signal(signal.SIGTERM)
        with contextlib.suppress(OSError):  # a second Ctrl-C has closed it
            self._server.pull_trigger()  # its thread sleeps in select(), which another thread's signal does not end
