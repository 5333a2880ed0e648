"""Pages of the dashboard that are open while streams run: what one viewer costs the others."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

EVENTS = "/admin/api/events"
SILENCE = 60.0  # seconds without a byte; the stream says something every two


@contextmanager
def watching(port: int, admin_key: str, count: int) -> Iterator[None]:
    """Have so many viewers read the dashboard's stream of changes meanwhile."""
    with ExitStack() as open_pages:
        for _ in range(count):
            open_pages.enter_context(_page(port, admin_key))
        yield


@contextmanager
def _page(port: int, admin_key: str) -> Iterator[None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE)
    connection.request("GET", EVENTS, headers={"Authorization": f"Bearer {admin_key}"})
    response = connection.getresponse()
    if response.status != 200:
        raise SystemExit(f"the dashboard does not let a viewer in: {response.status} {response.read()!r}")
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set() and response.readline():
            pass

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield
    finally:
        is_over.set()
        reader.join(SILENCE)
        connection.close()
