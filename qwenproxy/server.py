"""Run the application under a real HTTP server: gunicorn, or waitress where gunicorn does not exist.

One process serves, because the browsers live in it. Whatever ends it, the browsers end with it.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable

from qwenproxy.api.wiring import RELAY
from qwenproxy.app import chrome_settings, create_app
from qwenproxy.browser.profile import end_leftovers
from qwenproxy.config import Config
from qwenproxy.errors import NoUsableAccount, SetupError
from qwenproxy.relay import Relay
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

OPEN_FILES = 65536


def run(
    config: Config,
    *,
    server: str = "",
    ready: Callable[[int], None] = lambda port: None,
    warm_up: Callable[[Relay], None] = Relay.try_to_warm_up,
) -> int:
    """Serve until a signal or until every account is INVALID; return the exit status.

    `server` is gunicorn or waitress ("": what fits the platform); `ready` hears the port once it is bound; `warm_up`
    runs in a thread of its own beside the first requests.
    The caller holds the session folder (session_claim.py). Raises SetupError: no browser, port taken.
    """
    # The worker looks for it again; here a missing one can still be told to the person who starts the server.
    chrome_settings(config)
    _allow_many_files()
    listener = _listen(config.host, config.port)
    ready(listener.getsockname()[1])
    if (server or _default_server()) == "waitress":
        return _serve_waitress(config, listener, warm_up)
    from qwenproxy.server_gunicorn import serve_gunicorn  # noqa: PLC0415 - POSIX only

    try:
        return serve_gunicorn(config, listener.detach(), warm_up)
    finally:
        end_leftovers(config.session_dir / "accounts")


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
        reason = error.strerror or error
        raise SetupError(Phrase("cannot_listen", host=host, port=port, reason=reason)) from error
    return listener


def _serve_waitress(config: Config, listener: socket.socket, warm_up: Callable[[Relay], None]) -> int:
    import waitress  # noqa: PLC0415 - only where it serves

    status = 0
    end_leftovers(config.session_dir / "accounts")
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
        status = NoUsableAccount.exit_code
        signal.raise_signal(signal.SIGTERM)

    if config.on_no_accounts == "exit":
        relay.on_exhausted = exhausted
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=warm_up, args=(relay,), name="warm-up", daemon=True).start()
    try:
        server.run()
    except SystemExit:
        pass
    finally:
        relay.close()
        server.close()
    return status
