"""The hub of a Selenium Grid without a Grid: speaks as much HTTP as the launcher, the doctor and the status need.

Forms taken from Grid 4.48. `creations` are the outcomes of the next new sessions, oldest first: None for a session, a
text for the hub's refusal in its own words; when they run out, each gets a session while a slot is free.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from qwenproxy.browser.grid_address import GridAddress
from qwenproxy.browser.grid_hub import GridHub

NO_SLOT = "Could not start a new session. New session request timed out"
DEAD_NODE = "Could not start a new session. Connection error: Unable to connect"
NO_CHROME = "Could not start a new session. Response code 500. Message: session not created: Chrome instance exited"


@dataclass
class FakeNode:
    """One node; times in seconds."""

    port: int
    slots: int = 2
    availability: str = "UP"
    browser: str = "chrome"
    session_timeout: float = 300
    heartbeat: float = 5

    @property
    def uri(self) -> str:
        return f"http://10.0.0.1:{self.port}"


@dataclass
class FakeHub:
    """What the hub has and what it was asked."""

    nodes: list[FakeNode] = field(default_factory=lambda: [FakeNode(5571), FakeNode(5572)])
    creations: list[str | None] = field(default_factory=list)
    login: str = ""  # "user:password" that it wants
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)  # capabilities that were asked for, by id
    ended: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)  # capabilities of all new sessions
    answers: dict[str, bytes] = field(default_factory=dict)  # what paths say instead of the usual
    addresses: list[str] = field(default_factory=list)  # what the next new sessions show instead of a blank page
    looks: int = 0  # how often somebody asked for the slots
    port: int = 0
    on_look: Any = None  # called with each look at the slots
    gate: threading.Event | None = None  # new sessions wait for it
    end_gate: threading.Event | None = None  # sessions that are to end wait for it
    waiting: threading.Event = field(default_factory=threading.Event)
    scheme: str = "http"

    @property
    def url(self) -> str:
        login = f"{self.login}@" if self.login else ""
        return f"{self.scheme}://{login}localhost:{self.port}"

    def hub(self, url: str = "") -> GridHub:
        """Return the product's view of this hub."""
        return GridHub(GridAddress.parse(url or self.url))

    @contextmanager
    def running(self, port: int = 0, tls: tuple[Path, Path] | None = None) -> Iterator[FakeHub]:
        """Listen, on a free port unless one is given."""
        handler = type("Handler", (_Handler,), {"fake": self})
        with _Server(("127.0.0.1", port), handler) as server:
            server.daemon_threads = True
            if tls:
                self.scheme = "https"
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*tls)
                server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            self.port = server.server_port
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def status(self) -> dict[str, Any]:
        self.looks += 1
        if self.on_look:
            self.on_look()
        sessions = [{"sessionId": one} for one in self.sessions]
        nodes = []
        for node in self.nodes:
            mine = [sessions.pop() if sessions else None for _ in range(node.slots)]
            nodes.append(
                {
                    "id": str(node.port),
                    "uri": node.uri,
                    "maxSessions": node.slots,
                    "sessionTimeout": node.session_timeout * 1000,
                    "heartbeatPeriod": node.heartbeat * 1000,
                    "availability": node.availability,
                    "slots": [{"session": one, "stereotype": {"browserName": node.browser}} for one in mine],
                }
            )
        return {"value": {"ready": bool(nodes), "nodes": nodes}}

    def graphql(self) -> dict[str, Any]:
        places = [node.uri for node in self.nodes for _ in range(node.slots)]
        sessions = [
            {"id": one, "nodeUri": uri, "capabilities": json.dumps({"se:name": asked.get("se:name")})}
            for uri, (one, asked) in zip(places, self.sessions.items(), strict=False)
        ]
        nodes = [
            {
                "id": str(node.port),
                "uri": node.uri,
                "status": node.availability,
                "sessionCount": sum(one["nodeUri"] == node.uri for one in sessions),
                "maxSession": node.slots,
            }
            for node in self.nodes
        ]
        grid = {
            "totalSlots": len(places),
            "sessionCount": len(sessions),
            "sessionQueueSize": 0,
            "nodeCount": len(nodes),
            "version": "4.48.0 (revision abc)",
        }
        return {"data": {"grid": grid, "nodesInfo": {"nodes": nodes}, "sessionsInfo": {"sessions": sessions}}}

    def create(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        asked = body["capabilities"]["alwaysMatch"]
        self.asked.append(asked)
        if self.gate:
            self.waiting.set()
            self.gate.wait(10)
        is_full = len(self.sessions) >= sum(node.slots for node in self.nodes)
        refusal = self.creations.pop(0) if self.creations else NO_SLOT if is_full else None
        if refusal:
            return 500, {"value": {"error": "session not created", "message": refusal, "stacktrace": ""}}
        name = f"s{len(self.asked)}"
        self.sessions[name] = asked
        return 200, {"value": {"sessionId": name, "capabilities": {"browserName": "chrome"}}}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that leave, as those do who do not trust the certificate."""


class _Handler(BaseHTTPRequestHandler):
    fake: FakeHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        fake, path = self.fake, self.path
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        wanted = f"Basic {base64.b64encode(fake.login.encode()).decode()}" if fake.login else None
        if wanted and self.headers.get("Authorization") != wanted:
            self._send(401, b"Unauthorized")
        elif path in fake.answers:
            self._send(200, fake.answers[path])
        elif path == "/status":
            self._json(200, fake.status())
        elif path == "/graphql":
            self._json(200, fake.graphql())
        elif path == "/session":
            self._json(*fake.create(json.loads(body)))
        else:
            self._session(method, *path.removeprefix("/session/").partition("/")[::2])

    def _session(self, method: str, session: str, command: str) -> None:
        fake = self.fake
        if session not in fake.sessions:
            self._json(404, {"value": {"error": "invalid session id", "message": "Unable to find session"}})
        elif method == "DELETE" and not command:
            if fake.end_gate:
                fake.end_gate.wait(10)
            fake.ended.append(session)
            del fake.sessions[session]
            self._json(200, {"value": None})
        else:
            values = {"window": f"window-{session}", "url": fake.addresses.pop(0) if fake.addresses else "data:,"}
            self._json(200, {"value": values.get(command)})

    def _json(self, status: int, answer: object) -> None:
        self._send(status, json.dumps(answer).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
