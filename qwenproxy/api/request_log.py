"""The begin and the end of every request, for the log and the journal, under one id.

The id is in each line of the log, in the header `x-request-id`, and in errors (contract 11.4). Knows no route.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from flask import Flask, Response, g, request

from qwenproxy.api.auth import client_name
from qwenproxy.observe import journal
from qwenproxy.observe.logs import forget_request, request_id

SOCKET_METHOD = "WS"  # of a request over a WebSocket, in the journal
PATH_LENGTH = 120  # characters of a path that we log


def register_request_log(app: Flask, files: str) -> None:
    """Give each request its id, and put its begin and its end into the journal; below `files` are our pages."""

    @app.before_request
    def begin() -> None:
        g.started_at = time.monotonic()
        request_id.set(secrets.token_hex(4))
        address = request.remote_addr or ""
        journal.note(journal.RequestBegan(request.method, _path(), address, request.content_length))

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["x-request-id"] = request_id.get()
        seconds = time.monotonic() - g.started_at
        route = request.url_rule.rule if request.url_rule else ""
        client, code = client_name()[: journal.CLIENT_LENGTH], str(g.get("error_code", ""))
        is_file = request.path.startswith(files) and response.status_code < 400
        ended = journal.FileSent if is_file else journal.RequestEnded
        journal.note(ended(request.method, _path(), response.status_code, seconds, route, client, code))
        _Writing(response, g.started_at)
        return response


@contextmanager
def socket_request(size: int) -> Iterator[None]:
    """Give a request over a WebSocket, of `size` bytes, its own id, and put begin and end into the journal."""
    token, started_at = request_id.set(secrets.token_hex(4)), time.monotonic()
    journal.note(journal.RequestBegan(SOCKET_METHOD, _path(), request.remote_addr or "", size))
    try:
        yield
    finally:
        journal.note(journal.ResponseEnded(None, time.monotonic() - started_at))
        request_id.reset(token)


def _path() -> str:
    return request.path[:PATH_LENGTH]


class _Writing:
    """The writing of one answer: counts its bytes, and notes its end."""

    def __init__(self, response: Response, started_at: float) -> None:
        self._started_at = started_at
        self._size = response.content_length or 0
        if response.is_streamed:
            response.response = self._counted(response.iter_encoded())
        # Not earlier, because a streamed answer still logs while the server reads it.
        response.call_on_close(self._end)

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        self._size = 0
        for piece in pieces:
            self._size += len(piece)
            yield piece

    def _end(self) -> None:
        journal.note(journal.ResponseEnded(self._size, time.monotonic() - self._started_at))
        forget_request()
