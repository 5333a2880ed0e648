"""The command line as tests run it: in this process, or in a process of its own on a real pseudo-terminal."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from click.testing import CliRunner

from qwenproxy.cli import cli, main

CHECKOUT = Path(__file__).parent.parent.parent
# The pseudo-terminal becomes the controlling one, so that Ctrl-C typed there is a signal to the command.
ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def new_token(person: str = "somebody", expires_at: float = 4_000_000_000) -> str:
    """Return a login token as the site makes them, which nobody signed."""
    claims = json.dumps({"id": person, "exp": int(expires_at)}).encode()
    return f"eyJhbGciOiJIUzI1NiJ9.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.c2lnbmF0dXJl"


@dataclass
class Ended:
    """How a command ended. `output` holds what went to either stream, `stdout` what went to standard output."""

    status: int
    output: str
    stdout: str


def clean_environment(session_dir: Path, **more: str) -> dict[str, str]:
    """Return this process's environment without settings, but with a session folder, English, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QWENPROXY_", "LC_"))}
    for older in ("SKIP_ACCOUNT_MENU", "NON_INTERACTIVE", "PORT", "HOST", "DISPLAY", "WAYLAND_DISPLAY"):
        kept.pop(older, None)
    return {**kept, "LANG": "en_US.UTF-8", "QWENPROXY_SESSION_DIR": str(session_dir), **more}


def run_here(*args: str, text: str = "") -> Ended:
    """Run a command in this process, through `main`, with `text` as standard input that is no terminal."""
    runner = CliRunner()
    status: object = 0
    with runner.isolation(text) as streams, _arguments(args), _package_log_restored():
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        sys.stdout.flush()
        stdout, _, output = (stream.getvalue().decode().replace("\r\n", "\n") for stream in streams)
    assert isinstance(status, int), status
    return Ended(status, output, stdout)


def help_of(*path: str) -> str:
    """Return a command's help."""
    return CliRunner().invoke(cli, [*path, "--help"]).output


def commands_of(group: click.Group) -> dict[str, click.Command]:
    """Return the commands of a group by name."""
    ctx = click.Context(group)
    commands = {name: group.get_command(ctx, name) for name in group.list_commands(ctx)}
    return {name: command for name, command in commands.items() if command}


@contextlib.contextmanager
def _arguments(args: Sequence[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, ["qwenproxy", *args]
    try:
        yield
    finally:
        sys.argv = before


@contextlib.contextmanager
def _package_log_restored() -> Iterator[None]:
    package = logging.getLogger("qwenproxy")
    before = package.handlers, package.level, package.propagate
    try:
        yield
    finally:
        package.handlers, package.level, package.propagate = before


class Terminal:
    """A command in a process of its own, on a pseudo-terminal that the test types into."""

    def __init__(
        self, args: list[str], environment: dict[str, str], python: tuple[str, ...] = ("-m", "qwenproxy")
    ) -> None:
        """`python` is what Python runs with these arguments."""
        import pty  # noqa: PLC0415 - POSIX only

        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, *python, *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=CHECKOUT,
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""
        self._read_to = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        # Politely first: a command that is killed leaves its browser behind.
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        import termios  # noqa: PLC0415 - POSIX only

        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def type(self, text: str) -> None:
        """Type as on a keyboard; "\\x03" is Ctrl-C."""
        os.write(self._master, text.encode())

    def expect(self, text: str, wait: float = 60.0) -> str:
        """Wait until `text` shows up after what was expected before, and return what came up to its end."""
        deadline = time.monotonic() + wait
        while (found := self.text.find(text, self._read_to)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} never came; there was: {self.text[self._read_to :]!r}")
        start, self._read_to = self._read_to, found + len(text)
        return self.text[start : self._read_to]

    def end(self, wait: float = 60.0) -> int:
        """Read to the end and return the exit status."""
        deadline = time.monotonic() + wait
        while self._read(deadline):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # how Linux says that the other side is closed
            data = b""
        self.text += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
