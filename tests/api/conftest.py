"""Fixtures of WebSockets: a real HTTP server over scripted tabs, and clients of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kept_chats import KeptChats
from simple_websocket import Client
from werkzeug.serving import WSGIRequestHandler, make_server

WAIT = 20.0  # seconds; only a failing test waits as long


class Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


@pytest.fixture
def serve(chats: KeptChats) -> Iterator[Callable[..., int]]:
    """Return what starts an HTTP server over the app as it is now, and returns its port."""
    servers = []

    def start(**options: Any) -> int:
        chats.start(**options)
        server: Any = make_server("127.0.0.1", 0, chats.app, threaded=True, request_handler=Quiet)
        server.daemon_threads = False  # so that closing waits for every handler
        server.block_on_close = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return int(server.port)

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def connect(serve: Callable[..., int]) -> Iterator[Callable[..., Client]]:
    """Return what opens a socket at an address, to the first server or to the one at `port`."""
    opened: list[Client] = []
    ports: list[int] = []

    def open_socket(port: int | None = None, address: str = "/api/ws", **headers: Any) -> Client:
        if port is None:
            ports.append(ports[-1] if ports else serve())
            port = ports[-1]
        opened.append(Client.connect(f"ws://127.0.0.1:{port}{address}", headers=headers))
        return opened[-1]

    yield open_socket
    for each in opened:
        if each.connected:
            each.close()
        each.thread.join(WAIT)
