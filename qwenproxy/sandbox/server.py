"""The server under the sandbox: hypercorn, HTTP/2 over TLS, in a thread with an event loop of its own.

The sign-in host has a second port, and the object store a third one, without TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from wsgiref.handlers import format_date_time

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.protocol.h2 import H2Protocol

from qwenproxy.sandbox.app import Front
from qwenproxy.sandbox.tls import Identity

HOST = "127.0.0.1"
MAX_STREAMS = 128  # concurrent streams per HTTP/2 connection, the sandbox's own limit
_START_WAIT = 10.0
_STOP_WAIT = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a sandbox; 0 stands for a free one."""

    chat: int = 0
    sign_in: int = 0
    store: int = 0


class Server:
    """One run of the server, from bound sockets to closed loop. `now` dates its answers."""

    def __init__(
        self, new_front: Callable[[], Front], identity: Identity, now: Callable[[], float], ports: Ports
    ) -> None:
        self._new_front = new_front
        self._identity = identity
        self._now = now
        self._sockets: list[socket.socket] = []
        try:
            for port in (ports.chat, ports.sign_in, ports.store):
                self._sockets.append(_socket_on(port))
        except OSError:
            self._close_sockets()
            raise
        self.ports = Ports(*(one.getsockname()[1] for one in self._sockets))
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def start(self) -> None:
        """Serve; return once it takes connections. Raises RuntimeError if that fails."""
        # asyncio logs a line for each piece that it writes to a client that just left
        logging.getLogger("asyncio").setLevel(logging.ERROR)
        self._thread.start()
        if not self._ready.wait(_START_WAIT) or self._failure is not None:
            raise RuntimeError("the sandbox's server did not start") from self._failure

    def close(self) -> None:
        """Break all connections and free the ports. Idempotent."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop closed in the meantime
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_START_WAIT)
        self._close_sockets()

    def _close_sockets(self) -> None:
        for one in self._sockets:
            one.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            _log.exception("the sandbox's server failed")
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        stop, front = self._stop, self._new_front()

        async def until_stopped() -> None:
            # hypercorn calls this once it takes connections
            self._ready.set()
            await stop.wait()
            await front.close()

        H2Protocol._priority_updated = _no_priorities  # type: ignore[method-assign,assignment]
        with tempfile.TemporaryDirectory(prefix="qwenproxy-sandbox-") as folder:
            config = _config(self._identity, Path(folder), self._now)
            *secure, insecure = [f"fd://{one.detach()}" for one in self._sockets]
            config.bind, config.insecure_bind = secure, [insecure]
            server_task = asyncio.create_task(serve(front, config, shutdown_trigger=until_stopped))  # type: ignore[arg-type]
            stop_task = asyncio.create_task(stop.wait())
            await asyncio.wait({server_task, stop_task}, return_when=asyncio.FIRST_COMPLETED)
            # a connection that does not close must not keep the sandbox alive
            await asyncio.wait({server_task}, timeout=_STOP_WAIT)
            stop_task.cancel()
            if server_task.done():
                server_task.result()


async def _no_priorities(_protocol: H2Protocol, _event: object) -> None:
    """Ignore stream priorities, as RFC 9113 lets a server do.

    Chrome makes each stream depend on the one before it, and hypercorn's tree takes a hundred of them for a loop.
    """


def _socket_on(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


class _DatedConfig(Config):
    """A server whose answers are dated by the site's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        return [(b"date", format_date_time(self._now()).encode("ascii"))]


def _config(identity: Identity, folder: Path, now: Callable[[], float]) -> Config:
    certificate, key = identity.write_to(folder)
    config = _DatedConfig(now)
    config.certfile, config.keyfile = str(certificate), str(key)
    config.h2_max_concurrent_streams = MAX_STREAMS
    config.h2_max_inbound_frame_size = 1 << 16
    config.keep_alive_max_requests = 1 << 62
    config.keep_alive_timeout = 600
    config.backlog = 256
    config.graceful_timeout = 0.5
    config.ssl_handshake_timeout = 5
    config.accesslog = None
    config.errorlog = _log.getChild("hypercorn")
    # the sandbox's owner says where it listens
    config.errorlog.setLevel(logging.WARNING)
    return config
