"""The stand-in and the proxy under test, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from qwenproxy.cli.sandbox import SandboxAddress
from qwenproxy.cli.sandbox_logins import enter_sandbox
from qwenproxy.config import Config

COMMAND = (sys.executable, "-m", "qwenproxy")
END_WAIT = 60.0  # seconds a server gets to end

T = TypeVar("T")


@contextmanager
def running_site(accounts: int = 1, speed: int = 1) -> Iterator[tuple[int, SandboxAddress]]:
    """Run the stand-in, without the checks that direct calls would fail; give its process id and address.

    Its clock goes `speed` times as fast.
    """
    command = [*COMMAND, "sandbox", "--json", "--accounts", str(accounts), "--speed", str(speed)]
    with _running(command, _address) as (pid, address):
        control(address, "switches", {"require_bx": False, "require_cookies": False})
        yield pid, address


@contextmanager
def running_proxy(
    address: SandboxAddress, session_dir: Path, more: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """Run the proxy over a session folder; give its process id and port. `more` are further settings by name."""
    with _running([*COMMAND, "start"], port_in, settings_of(address, session_dir, more)) as ends:
        yield ends


def settings_of(address: SandboxAddress, session_dir: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a proxy that faces the stand-in; `more` are further settings by name."""
    settings = {
        "BASE_URL": address.base_url,
        "BASE_URL_SPKI": address.spki,
        "SESSION_DIR": str(session_dir),
        "ACCOUNT_CONCURRENCY": "200",
        "THREADS": "200",
        "PORT": "0",
        "LOG_LEVEL": "warning",
        "NO_MENU": "1",
        "LANG": "en",
        **(more or {}),
    }
    return {f"QWENPROXY_{name}": value for name, value in settings.items()}


def log_in(address: SandboxAddress, session_dir: Path) -> None:
    """Log the proxy's account in, so that its login lasts however long the load does."""
    options = {"base_url": address.base_url, "base_url_spki": address.spki, "session_dir": str(session_dir)}
    enter_sandbox(Config.load(options, {}), address)


def launch(
    command: Sequence[str], environment: Mapping[str, str] | None = None, log: IO[str] | None = None
) -> subprocess.Popen[str]:
    """Start a server, whose errors go to `log`, None for ours."""
    variables = {**os.environ, **(environment or {})}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, text=True, env=variables, start_new_session=True
    )


def await_ready(server: subprocess.Popen[str], ready: Callable[[str], T | None]) -> T:
    """Return what `ready` makes of a line of a server's output. Raises RuntimeError if the server ends before."""
    assert server.stdout is not None
    for line in server.stdout:
        if (place := ready(line)) is not None:
            threading.Thread(target=server.stdout.read, daemon=True).start()  # it must not wait for a reader
            return place
    raise RuntimeError(f"the server ended with status {server.wait()} before it was ready")


@contextmanager
def _running(
    command: Sequence[str], ready: Callable[[str], T | None], environment: Mapping[str, str] | None = None
) -> Iterator[tuple[int, T]]:
    """Run a server; give its process id and what `ready` makes of a line of its output."""
    server = launch(command, environment)
    try:
        yield server.pid, await_ready(server, ready)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(END_WAIT)


def _address(line: str) -> SandboxAddress:
    return SandboxAddress(**json.loads(line))


def port_in(line: str) -> int | None:
    """Return the port in the line that says where a proxy listens, None for any other line."""
    match = re.search(r"listens on http://[^ ]+:(\d+)", line)
    return int(match[1]) if match else None


def control(address: SandboxAddress, path: str, body: object = None) -> Any:
    """Return what a route of the stand-in's own below /__sandbox/ answers, to a POST if there is a `body`."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address.base_url}/__sandbox/{path}", data)
    with urllib.request.urlopen(request, context=ssl._create_unverified_context()) as answer:
        return json.load(answer)
