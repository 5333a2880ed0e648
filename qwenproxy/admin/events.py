"""GET /admin/api/events: one stream of all that changes, for the pages that are open (contract 11).

Each viewer holds a request thread, so their number is limited. `overview` comes every few seconds, `request` whenever a
request changes, `again` when a viewer was too slow: it reads the lists anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import orjson
from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from qwenproxy.admin.office import VIEWERS, Office, office
from qwenproxy.admin.overview import moment
from qwenproxy.api.answering import event_stream
from qwenproxy.api.sockets import SOCKETS
from qwenproxy.chat.waiting import ClientGoneCheck
from qwenproxy.errors import QueueTimeout
from qwenproxy.wsgi.client import client_gone_check

OVERVIEW_EVERY = 2.0  # seconds
GATHER = 0.25  # seconds in which changes of the same request become one
LOOK_EVERY = 0.5  # seconds between two looks whether the viewer is still there


def blueprint() -> Blueprint:
    """Return the route of the stream."""
    routes = Blueprint("admin-events", __name__)
    routes.add_url_rule("/admin/api/events", view_func=watch)
    return routes


def watch() -> ResponseReturnValue:
    """Answer GET /admin/api/events."""
    places = office().viewers
    if not places.acquire(blocking=False):
        raise QueueTimeout(f"{VIEWERS} pages of the dashboard are open already. Close one.", retry_after=5)
    stopping = current_app.extensions[SOCKETS].stopping
    response = event_stream(_changes(office(), client_gone_check(request.environ), stopping))
    place = ExitStack()  # gives it back once, however often the response is closed
    place.callback(places.release)
    response.call_on_close(place.close)
    return response


def _changes(parts: Office, client_gone: ClientGoneCheck, stopping: threading.Event) -> Iterator[bytes]:
    """Yield what changes until the viewer leaves or the server stops."""
    overview_at = 0.0
    with parts.inspector.watch() as watcher:
        while not stopping.is_set():
            if time.monotonic() >= overview_at:
                overview_at = time.monotonic() + OVERVIEW_EVERY
                yield _event("overview", moment(parts))
                if client_gone():
                    return
            if watcher.is_behind:
                watcher.clear()
                yield _event("again", {})
            change = watcher.next(LOOK_EVERY)
            if change is None:
                continue
            # A busy moment must not wake this thread for every step of every request.
            stopping.wait(GATHER)
            newest = {change["id"]: change}
            while (change := watcher.next(0)) is not None:
                newest[change["id"]] = change
            for row in newest.values():
                yield _event("request", row)


def _event(kind: str, value: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps(value))
