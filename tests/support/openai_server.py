"""A small server that speaks OpenAI's chat completions, streamed, with answers that a test writes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class OpenAIServer:
    """What the server answers next, and what it was asked. A chunk is a delta, or bytes as they stand."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.status = 200
        self.deltas: Sequence[dict[str, Any] | bytes] = ()
        self.before_each: Sequence[threading.Event] = ()
        self.is_cut = False  # the stream ends without its end
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []


@contextmanager
def openai_server() -> Iterator[OpenAIServer]:
    """Serve until the context ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    known = OpenAIServer(server.server_port)
    server.known = known  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        known: OpenAIServer = self.server.known  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known.requests.append(body)
        known.keys.append(self.headers.get("authorization"))
        right = self.path == "/v1/chat/completions" and known.status == 200
        self.send_response(known.status if self.path == "/v1/chat/completions" else 404)
        self.send_header("content-type", "text/event-stream" if right else "application/json")
        self.end_headers()
        if not right:
            self.wfile.write(b'{"error": {"message": "overloaded"}}')
            return
        for number, delta in enumerate(known.deltas):
            if number < len(known.before_each):
                known.before_each[number].wait(10)
            chunk = delta if isinstance(delta, bytes) else json.dumps({"choices": [{"delta": delta}]}).encode()
            self.wfile.write(b"data: " + chunk + b"\n\n")
            self.wfile.flush()
        if not known.is_cut:
            self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
