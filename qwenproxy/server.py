"""Run the application under a real HTTP server: gunicorn, or waitress where gunicorn does not exist.

One process serves, because the browsers live in it. Whatever ends it, the browsers end with it; a lock file keeps a
second server away from the same session folder.
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
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from filelock import FileLock, Timeout

from qwenproxy.api.client import ClientSocket
from qwenproxy.api.errors import error_response
from qwenproxy.api.wiring import RELAY
from qwenproxy.api.ws import SOCKETS
from qwenproxy.app import chrome_settings, create_app
from qwenproxy.config import Config
from qwenproxy.errors import ProxyError, RequestError, SetupError
from qwenproxy.relay import Relay
from qwenproxy.storage import ensure_folder

log = logging.getLogger(__name__)

GRACE = 30  # seconds from SIGTERM until the process is ended for certain
DRAIN = 20.0  # seconds of them that running answers get to finish
KEEP_ALIVE = 75  # seconds an idle client connection is kept
EXIT_NO_ACCOUNTS = 3
OPEN_FILES = 65536
UNREADABLE = "This is not a request that an HTTP server can read."


def run(config: Config, *, server: str = "", ready: Callable[[int], None] = lambda port: None) -> int:
    """Serve until a signal or until every account is INVALID; return the exit status.

    `server` is gunicorn or waitress ("": what fits the platform); `ready` hears the port once it is bound.
    Raises SetupError: no browser, port taken, another server on the session folder.
    """
    # The worker looks for it again; here a missing one can still be told to the person who starts the server.
    chrome_settings(config)
    ensure_folder(config.session_dir)
    _allow_many_files()
    lock = _claim_session(config)
    try:
        listener = _listen(config.host, config.port)
        ready(listener.getsockname()[1])
        serve = _serve_waitress if (server or _default_server()) == "waitress" else _serve_gunicorn
        return serve(config, listener)
    finally:
        lock.release()


def _default_server() -> str:
    return "waitress" if sys.platform == "win32" else "gunicorn"


def _allow_many_files() -> None:
    """Raise the number of open files as far as the system lets us: each client and each browser takes some."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - POSIX only

        now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
        if now != resource.RLIM_INFINITY and now < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _claim_session(config: Config) -> FileLock:
    lock = FileLock(config.session_dir / "server.lock", timeout=0, thread_local=False, mode=0o600)
    pid_file = config.session_dir / "server.pid"
    try:
        lock.acquire()
    except Timeout:
        pid = pid_file.read_text().strip() if pid_file.exists() else "unknown"
        raise SetupError(
            f"qwenproxy is already running on {config.session_dir} (process {pid}). "
            "Stop it first, or give this one its own folder with QWENPROXY_SESSION_DIR."
        ) from None
    pid_file.write_text(str(os.getpid()))
    pid_file.chmod(0o600)
    return lock


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise SetupError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. "
            "Stop the program that has it, or choose another port with QWENPROXY_PORT."
        ) from error
    return listener


def _warm_up(relay: Relay) -> None:
    try:
        relay.warm_up()
    except ProxyError as error:
        log.warning("no browser opened yet: %s", error.message)


def _serve_gunicorn(config: Config, listener: socket.socket) -> int:
    from gunicorn.app.base import BaseApplication  # noqa: PLC0415 - POSIX only
    from gunicorn.http.errors import ParseException  # noqa: PLC0415

    status = multiprocessing.Value("i", 0)
    worker = _worker_class()

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in _gunicorn_settings(config, listener, worker).items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Any:
            app = create_app(config)
            app.register_error_handler(ParseException, lambda _: error_response(RequestError(UNREADABLE)))
            relay: Relay = app.extensions[RELAY]
            if config.on_no_accounts == "exit":
                relay.on_exhausted = lambda: _end_with(status)
            threading.Thread(target=_warm_up, args=(relay,), name="warm-up", daemon=True).start()
            return app

    master = os.getpid()
    try:
        Server().run()
    except SystemExit as end:
        if os.getpid() != master:
            # The worker's end, with its browsers closed. Going further up would free the locks that the master still
            # holds, and turn the worker's status into the server's.
            sys.stderr.flush()
            os._exit(int(end.code or 0))
        return int(status.value) or int(end.code or 0)
    return int(status.value)


def _worker_class() -> type:
    from gunicorn.http.errors import ParseException  # noqa: PLC0415 - POSIX only
    from gunicorn.workers.gthread import ThreadWorker  # noqa: PLC0415

    class Worker(ThreadWorker):  # type: ignore[misc]
        """A worker whose answers end before the grace time does, and whose threads no client can keep for ever."""

        def handle_exit(self, sig: int, frame: Any) -> None:
            relay: Relay = self.wsgi.extensions[RELAY]
            self.wsgi.extensions[SOCKETS].stop()
            threading.Thread(target=_drain, args=(relay,), name="drain", daemon=True).start()
            super().handle_exit(sig, frame)

        def handle_quit(self, sig: int, frame: Any) -> None:
            # A terminal's Ctrl-C comes twice, from the terminal and from the master: the second one must not cut short
            # the closing of the browsers that the first one began.
            for each in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
                signal.signal(each, signal.SIG_IGN)
            super().handle_quit(sig, frame)

        def accept(self, listener: Any) -> None:
            try:
                super().accept(listener)
            except OSError as error:
                # Out of file descriptors. Those of idle clients are the ones to spare; and the connection that could
                # not be accepted stays announced, so without a pause this would be asked again at once.
                log.warning("a connection could not be accepted: %s", error.strerror)
                for conn in (*self.keepalived_conns, *self.pending_conns):
                    conn.timeout = 0.0
                time.sleep(0.1)

        def handle(self, conn: Any) -> Any:
            if not isinstance(conn.sock, ClientSocket):
                conn.sock = ClientSocket(conn.sock)
                # Clients that say nothing wait in the poller, where it costs nothing, instead of in a thread.
                conn.wait_for_data = lambda _timeout: conn.sock.has_input()
            conn.sock.await_head()
            kept = super().handle(conn)
            if not kept:
                # Here, because gunicorn would do its waiting in the one thread that accepts connections.
                conn.sock.linger()
            return kept

        def handle_request(self, req: Any, conn: Any) -> Any:
            conn.sock.await_body()
            return super().handle_request(req, conn)

        def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
            # Only the kind of error: its text may quote a header, and with it a key.
            log.warning("a request could not be read: %s", type(exc).__name__)
            _refuse(client, 400 if isinstance(exc, ParseException) else 500)

    return Worker


def _refuse(client: socket.socket, status: int) -> None:
    """Answer what never became a request, so no route could."""
    body = f'{{"error":"{UNREADABLE}","code":"invalid_request"}}'.encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with contextlib.suppress(OSError):
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def _gunicorn_settings(config: Config, listener: socket.socket, worker: type) -> dict[str, Any]:
    return {
        "bind": f"fd://{listener.fileno()}",
        "workers": 1,
        "worker_class": worker,
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


def _close(worker: Any) -> None:
    app = getattr(worker, "wsgi", None)
    if app is not None:
        app.extensions[SOCKETS].stop()
        app.extensions[RELAY].close()


def _drain(relay: Relay) -> None:
    deadline = time.monotonic() + DRAIN
    while relay.pool.running() and time.monotonic() < deadline:
        time.sleep(0.1)
    relay.close()


def _end_with(status: Any) -> None:
    status.value = EXIT_NO_ACCOUNTS
    log.error("every account needs a new login; stopping. Run: qwenproxy account relogin")
    os.kill(os.getppid(), signal.SIGTERM)


def _serve_waitress(config: Config, listener: socket.socket) -> int:
    import waitress  # noqa: PLC0415 - only where it serves

    status = 0
    app = create_app(config)
    relay: Relay = app.extensions[RELAY]
    server = waitress.create_server(
        app,
        sockets=[listener],
        threads=config.threads,
        channel_request_lookahead=1,
        send_bytes=1,
        max_request_body_size=config.max_body,
        ident=None,
    )

    def exhausted() -> None:
        nonlocal status
        status = EXIT_NO_ACCOUNTS
        signal.raise_signal(signal.SIGTERM)

    if config.on_no_accounts == "exit":
        relay.on_exhausted = exhausted
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=_warm_up, args=(relay,), name="warm-up", daemon=True).start()
    try:
        server.run()
    except SystemExit:
        pass
    finally:
        relay.close()
        server.close()
    return status
