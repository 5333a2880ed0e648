"""A proxy as commands see it that have it make something: it answers every question alike and remembers all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qwenproxy.disk.claim import claimed_session
from qwenproxy.disk.folder import SessionFolder


@dataclass
class Works:
    """What the proxy answers, status and bytes or JSON; what it was asked; and the folder that commands work in."""

    folder: Path
    answer: tuple[int, Any]
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)


@contextmanager
def served_works(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, Any]
) -> Iterator[Works]:
    """Serve such a proxy on a session folder; the process works in a new folder meanwhile."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    works = Works(folder, answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            works.asked.append((self.path, self.headers.get("Authorization", ""), body))
            status, told = works.answer
            data = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with claimed_session(SessionFolder(session)) as claim:
        claim.announce("127.0.0.1", server.server_address[1])
        yield works
    server.shutdown()
    server.server_close()
