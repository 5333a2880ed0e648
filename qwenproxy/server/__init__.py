"""Run the application under a real HTTP server: gunicorn, or waitress where gunicorn does not exist.

One process serves, because it owns the browsers. The browsers end with it, however it ends.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace

from qwenproxy.assembly import launcher_for
from qwenproxy.browser.profile import end_leftovers
from qwenproxy.config import Config
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import ConfigError, SetupError
from qwenproxy.relay.questions import Relay
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

OPEN_FILES = 65536
PORT = "QWENPROXY_PORT"
OLLAMA_PORT = "QWENPROXY_OLLAMA_PORT"
DRAIN = 20.0  # seconds for running answers to finish when the server stops
_FOREIGN = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def run(
    config: Config,
    *,
    server: str = "",
    ready: Callable[[int, int | None], None] = lambda port, ollama_port: None,
    warm_up: Callable[[Relay], None] = Relay.try_to_warm_up,
    signals_handled: Callable[[], None] = lambda: None,
) -> int:
    """Serve until a signal or until every account is INVALID; return the exit status.

    `server` is gunicorn or waitress ("": by platform). `ready` gets the bound port, and the one with Ollama's API
    at its root (None: there is none). `warm_up` runs in its own thread beside the first requests.
    `signals_handled` runs once a signal ends the server.
    The caller holds the session folder (disk/claim.py). Raises SetupError: no browser, address or port refused.
    """
    # The worker checks again; but only here can we still show the error to the person at the terminal.
    launcher_for(config).check()
    _allow_many_files()
    listeners = _listen_all(config)
    port, *more = [each.getsockname()[1] for each in listeners]
    config = replace(config, ollama_port=more[0] if more else None)
    ready(port, config.ollama_port)
    drain = functools.partial(_drain, config.lang)
    if (server or _default_server()) == "waitress":
        from qwenproxy.server.under_waitress import serve_waitress  # noqa: PLC0415 - only where it serves

        status = serve_waitress(config, listeners, warm_up, drain, signals_handled)
    else:
        from qwenproxy.server.under_gunicorn import serve_gunicorn  # noqa: PLC0415 - POSIX only

        try:
            descriptors = [each.detach() for each in listeners]
            status = serve_gunicorn(config, descriptors, warm_up, drain, signals_handled)
        finally:
            end_leftovers(SessionFolder(config.session_dir))
    _print(Phrase("server_stopped").say(config.lang))
    return status


def _drain(lang: str, relay: Relay) -> None:
    """Print that the server stops, wait up to DRAIN seconds for running answers, then close the relay."""
    busy, idle = Phrase("server_stopping_busy", seconds=round(DRAIN)), Phrase("server_stopping")
    _print((busy if relay.pool.running() else idle).say(lang))
    relay.finish(DRAIN)


def _print(text: str) -> None:
    """Print a line to the person at the terminal. Never fails for a closed terminal."""
    start = "\r" if sys.stdout.isatty() else ""  # overwrite the ^C of the terminal
    try:
        sys.stdout.write(f"{start}{text}\n")
        sys.stdout.flush()
    except OSError:
        # The terminal is closed. Python would write the rest of the buffer when it ends, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _default_server() -> str:
    return "waitress" if sys.platform == "win32" else "gunicorn"


def _allow_many_files() -> None:
    """Raise the limit of open files as far as possible, because each client and each browser needs some."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - POSIX only

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        target = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < target:
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))


def _listen_all(config: Config) -> list[socket.socket]:
    """Listen on PORT, and then on OLLAMA_PORT if that is set. Raises SetupError for what is refused."""
    if config.ollama_port and config.ollama_port == config.port:
        raise ConfigError(Phrase("same_ports", port=config.port))
    listener = bound_socket(config.host, config.port)
    if config.ollama_port is None:
        return [listener]
    try:
        return [listener, bound_socket(config.host, config.ollama_port, OLLAMA_PORT)]
    except SetupError:
        listener.close()
        raise


def bound_socket(host: str, port: int, setting: str = PORT) -> socket.socket:
    """Return a socket that listens (port 0 is any free port). Raises SetupError; `setting` names that of the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # this machine has no IPv6
        raise listening_refused(host, port, error, setting) from error
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except (OSError, TypeError) as error:  # TypeError for a host that cannot be a name
        listener.close()
        raise listening_refused(host, port, error, setting) from error
    return listener


def listening_refused(host: str, port: int, error: OSError | TypeError, setting: str = PORT) -> SetupError:
    """Return the error for an address on which we cannot listen, with advice; `setting` names the one of the port."""
    reason = getattr(error, "strerror", None) or error
    advice = listening_advice(host, error, setting)
    return SetupError(Phrase("cannot_listen", host=host, port=port, reason=reason, advice=advice))


def listening_advice(host: str, error: OSError | TypeError, setting: str = PORT) -> Phrase:
    """Return the advice for a failure to listen on `host`; `setting` names the one of the port."""
    if isinstance(error, socket.gaierror | TypeError) or error.errno in _FOREIGN:
        return Phrase("advice_host", host=host)
    if isinstance(error, PermissionError):
        return Phrase("advice_port_right", setting=setting)
    if error.errno == errno.EADDRINUSE:
        return Phrase("advice_port_taken") if setting == PORT else Phrase("advice_ollama_runs")
    return Phrase("advice_listen", setting=setting)
