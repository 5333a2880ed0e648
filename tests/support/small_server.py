"""A real server without an account, with few threads and little patience: for those who want to wear it out.

Run as a program it serves; the class below starts it so.
"""

from __future__ import annotations

import contextlib
import http.client
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qwenproxy.config import Config
from qwenproxy.observe import logs
from qwenproxy.server import run
from qwenproxy.wsgi import client

THREADS = 4
MAX_BODY = 1_000_000
WAIT = 30.0  # seconds a test waits for what ought to take two
END_WAIT = 60.0


class SmallServer:
    """The server in a process of its own; `port` is set once it listens."""

    def __init__(self, session_dir: Path, *, http_server: str = "gunicorn", open_files: int = 0) -> None:
        self.session_dir = session_dir
        self.port = 0
        self._log = session_dir.parent / "server.log"
        self._command = [sys.executable, __file__, str(session_dir), http_server, str(open_files)]

    @contextmanager
    def running(self) -> Iterator[SmallServer]:
        """Run it; it has to end well when it is told to."""
        with (
            open(self._log, "a") as log,
            subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
        ):
            try:
                assert process.stdout is not None
                self.port = int(process.stdout.readline())
                yield self
                process.terminate()
                assert process.wait(END_WAIT) == 0
            finally:
                process.kill()

    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text()

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), WAIT)

    def answer(self, *sent: bytes) -> bytes:
        """Return all that a new connection brings until its end, for these bytes; it may break while they are sent."""
        with self.connect() as connection:
            received = b""
            with contextlib.suppress(ConnectionError):
                for each in sent:
                    connection.sendall(each)
            with contextlib.suppress(ConnectionError):
                while data := connection.recv(65536):
                    received += data
            return received

    def health(self) -> int:
        """Return the status of a request that anybody may make."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        with contextlib.closing(asked):
            asked.request("GET", "/health")
            return asked.getresponse().status


def main(session_dir: str, http_server: str, open_files: str) -> int:
    """Serve until a signal."""
    client.HEAD_WAIT, client.BODY_WAIT = 2.5, 0.5
    client.LINGER, client.LINGER_SILENCE = 10.0, 2.0
    if int(open_files):
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(open_files), int(open_files)))
    logs.configure("debug")
    options = {"session_dir": session_dir, "port": 0, "threads": THREADS, "max_body": MAX_BODY}
    config = Config.load({**options, "on_no_accounts": "wait"}, {})
    return run(config, server=http_server, ready=lambda port, _: print(port, flush=True))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
