"""Serve under waitress, with threads in this process, for Windows, where gunicorn does not exist.

After Ctrl-C or SIGTERM running answers have a while to finish; a second one ends them.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import waitress

from qwenproxy.config import Config
from qwenproxy.relay.questions import Relay
from qwenproxy.server.bent import doors_of, end_without_waiting
from qwenproxy.server.serving import begin, close, finish, make_app, note_no_accounts, relay_of

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger(__name__)

LAST_WORDS_WAIT = 3.0  # seconds for the ends of the answers to reach their clients
CONNECTIONS = 450  # at once; on Windows select() takes 512, browsers and files included


def serve_waitress(
    config: Config,
    listeners: Sequence[socket.socket],
    warm_up: Callable[[Relay], None],
    drain: Callable[[Relay], None],
    signals_handled: Callable[[], None] = lambda: None,
) -> int:
    """Serve on the bound sockets until a signal; return the exit status. Closes the sockets.

    `drain` gives running answers a while to end, then closes the relay; `signals_handled` runs once a signal ends the
    server.
    """

    def end_without_accounts() -> None:
        end.for_want_of_accounts()

    app = make_app(config, end_without_accounts)
    relay = relay_of(app)
    server = _make_server(app, config, listeners)
    end = _End(doors_of(server), lambda: finish(app, drain))
    end.start()
    _handle_signals(end.on_signal)
    signals_handled()
    begin(relay, warm_up)
    try:
        server.run()
    finally:
        close(app)
        server.close()
    return end.status


def _make_server(app: Flask, config: Config, listeners: Sequence[socket.socket]) -> Any:
    server = waitress.create_server(
        app,
        sockets=list(listeners),
        threads=config.threads,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=sys.platform != "win32",
        channel_request_lookahead=1,  # to notice when a client leaves
        send_bytes=1,  # send each piece of an answer at once
        max_request_body_size=config.max_body,
        ident=None,
    )
    end_without_waiting(server)
    return server


def _handle_signals(handler: Callable[..., None]) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handler)


class _End:
    """How the server ends: the first signal lets answers finish, the second one does not wait."""

    def __init__(self, doors: Sequence[Any], drain: Callable[[], None]) -> None:
        """`doors` are waitress' servers, one for each socket."""
        self.status = 0
        self._doors = doors
        self._drain = drain
        self._signals = itertools.count()
        self._begun = queue.SimpleQueue[None]()

    def start(self) -> None:
        """Get ready for signals. A handler must not start a thread: the next signal would interrupt that halfway."""
        threading.Thread(target=self._finish, name="drain", daemon=True).start()

    def on_signal(self, *_: object) -> None:
        """Begin to end, or end now. Runs in the main thread, which serves the connections.

        Another signal may come between any two steps, so each step is a single one of the interpreter's own.
        """
        number = next(self._signals)
        if number == 0:
            for door in self._doors:
                door.accepting = False
            self._begun.put(None)
        elif number == 1:  # no later one may interrupt the closing of the browsers
            sys.exit(self.status)

    def for_want_of_accounts(self) -> None:
        """Begin to end because every account needs a new login. The running request still gets its answer."""
        if not self.status:
            self.status = note_no_accounts()
            self._signal()

    def _finish(self) -> None:
        self._begun.get()
        self._drain()
        deadline = time.monotonic() + LAST_WORDS_WAIT
        while any(channel.requests for door in self._doors for channel in list(door.active_channels.values())):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        self._signal()

    def _signal(self) -> None:
        signal.raise_signal(signal.SIGTERM)
        with contextlib.suppress(OSError):  # a second Ctrl-C may have closed it
            # Wakes the main thread from select(): a signal from another thread does not.
            self._doors[0].pull_trigger()
