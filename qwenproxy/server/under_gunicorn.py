"""Serve under gunicorn: one worker with its threads, and how signals end it. POSIX only.

The master waits for signals; the worker serves and owns the browsers. After Ctrl-C or SIGTERM running answers have a
while to finish; a second Ctrl-C ends them.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import gunicorn
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.config import make_settings
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import ThreadWorker

from qwenproxy.api.errors import error_response
from qwenproxy.config import Config
from qwenproxy.errors import RequestError, SetupError
from qwenproxy.relay.questions import Relay
from qwenproxy.server.bent import wait_in_poller
from qwenproxy.server.serving import begin, close, make_app, note_no_accounts, relay_of, stop_taking
from qwenproxy.texts import Phrase
from qwenproxy.wsgi.client import ClientSocket

log = logging.getLogger(__name__)

GRACE = 40  # seconds from SIGTERM until gunicorn kills the worker: enough to drain and to close a hung browser
KEEP_ALIVE = 75  # seconds until we close an idle client connection
UNREADABLE = "This is not a request that an HTTP server can read."


def serve_gunicorn(
    config: Config,
    listeners: Sequence[int],
    warm_up: Callable[[Relay], None],
    drain: Callable[[Relay], None],
    signals_handled: Callable[[], None] = lambda: None,
) -> int:
    """Serve on the bound sockets with these descriptors until a signal; return the exit status. Closes them.

    `drain` gives running answers a while to end, then closes the relay; `signals_handled` runs once a signal ends the
    server. Raises SetupError if the installed gunicorn lacks a setting.
    """
    settings = _gunicorn_settings(config, listeners)
    _refuse_unknown(settings)
    status = multiprocessing.Value("i", 0)

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in settings.items():
                self.cfg.set(name, value)

        def run(self) -> None:
            Master(self, signals_handled).run()

        def drain(self, relay: Relay) -> None:
            drain(relay)

        def load(self) -> Any:
            app = make_app(config, lambda: _end_with(status))
            app.register_error_handler(ParseException, lambda _: error_response(RequestError(UNREADABLE)))
            begin(relay_of(app), warm_up)
            return app

    master = os.getpid()
    try:
        Server().run()
    except SystemExit as end:
        if os.getpid() != master:
            # This is the worker, with its browsers closed. A return would free the locks that the master still holds,
            # and make the worker's status that of the server.
            sys.stderr.flush()
            os._exit(int(end.code or 0))
        return int(status.value) or int(end.code or 0)
    return int(status.value)


class Master(Arbiter):  # type: ignore[misc]
    """A master with one worker at most, because the worker owns the browsers."""

    def __init__(self, app: BaseApplication, signals_handled: Callable[[], None]) -> None:
        super().__init__(app)
        self._signals_handled = signals_handled

    def init_signals(self) -> None:
        super().init_signals()
        self._signals_handled()

    handle_int = Arbiter.handle_term  # Ctrl-C: as polite as SIGTERM; gunicorn does not wait after a second one
    handle_hup = Arbiter.handle_term  # a closed terminal

    def handle_ttin(self) -> None:
        """Ignore the signal for one worker more."""

    def handle_ttou(self) -> None:
        """Ignore the signal for one worker less."""

    def handle_usr2(self) -> None:
        """Ignore the signal for a second master."""


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker that ends its answers within GRACE, and lets no client keep its threads for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Slow clients, which have not sent their whole request, get at most half of the threads.
        self._slow_places = threading.BoundedSemaphore(max(1, self.cfg.threads // 2))
        self._is_over = False

    def run(self) -> None:
        if not self._is_over:
            super().run()

    def handle_exit(self, sig: int, frame: Any) -> None:
        if not hasattr(self, "wsgi"):  # it does not serve yet
            self._is_over = True  # Python swallows an exit that comes up inside a weak reference's callback
            sys.exit(0)
        stop_taking(self.wsgi)
        threading.Thread(target=self.app.drain, args=(relay_of(self.wsgi),), name="drain", daemon=True).start()
        super().handle_exit(sig, frame)

    def init_signals(self) -> None:
        super().init_signals()
        # A terminal sends these to every process of the job; only the master handles them.
        for each in (signal.SIGINT, signal.SIGHUP):
            signal.signal(each, _do_nothing)

    def handle_quit(self, sig: int, frame: Any) -> None:
        # No signal may interrupt the closing of the browsers, which begins here.
        for each in (signal.SIGQUIT, signal.SIGTERM):
            signal.signal(each, _do_nothing)
        super().handle_quit(sig, frame)

    def accept(self, listener: Any) -> None:
        try:
            super().accept(listener)
        except OSError as error:
            # Out of file descriptors: close those of idle clients. The connection stays in the queue of the system, so
            # gunicorn tries again at once: pause.
            log.warning("a connection could not be accepted: %s", error.strerror)
            for conn in (*self.keepalived_conns, *self.pending_conns):
                conn.timeout = 0.0
            time.sleep(0.1)

    def handle(self, conn: Any) -> Any:
        if not isinstance(conn.sock, ClientSocket):
            conn.sock = ClientSocket(conn.sock, self._slow_places)
            wait_in_poller(conn)
        conn.sock.await_head()
        keepalive = super().handle(conn)
        if not keepalive:
            # gunicorn closes in the one thread that accepts connections, which must not wait.
            conn.sock.linger()
        return keepalive

    def handle_request(self, req: Any, conn: Any) -> Any:
        conn.sock.await_body()
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        # Log only the kind of error: its text may quote a header with a key.
        log.warning("a request could not be read: %s", type(exc).__name__)
        _refuse(client, 400 if isinstance(exc, ParseException) else 500)


def _do_nothing(_signal: int, _frame: Any) -> None:
    """Handle a signal by nothing. With SIG_IGN Python complains about a signal that came just before."""


def _refuse(client: socket.socket, status: int) -> None:
    """Answer a connection without a readable request, which reaches no route."""
    body = f'{{"error":"{UNREADABLE}","code":"invalid_request"}}'.encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with contextlib.suppress(OSError):
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def _gunicorn_settings(config: Config, listeners: Sequence[int]) -> dict[str, Any]:
    return {
        "bind": [f"fd://{listener}" for listener in listeners],
        "workers": 1,
        "worker_class": Worker,
        "threads": config.threads,
        "worker_connections": max(1000, 2 * config.threads),
        "preload_app": False,
        "max_requests": 0,
        "timeout": 0,
        "graceful_timeout": GRACE,
        "keepalive": KEEP_ALIVE,
        "control_socket_disable": True,
        "loglevel": "warning",
        "proc_name": "qwenproxy",
        "worker_exit": lambda _server, worker: _close(worker),
    }


def _refuse_unknown(settings: Mapping[str, Any]) -> None:
    """Raise SetupError for a setting that the installed gunicorn lacks, because the server depends on each."""
    supported = make_settings()
    for name in settings:
        if name not in supported:
            raise SetupError(Phrase("gunicorn_setting", name=name, version=gunicorn.__version__))


def _close(worker: Any) -> None:
    app = getattr(worker, "wsgi", None)
    if app is not None:
        close(app)


def _end_with(status: Any) -> None:
    status.value = note_no_accounts()
    os.kill(os.getppid(), signal.SIGTERM)
