"""`start --sandbox` more than once in one folder, and what becomes of the stand-in when the server goes."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from asking import ask
from cli_runner import Terminal
from proxy_process import environment, eventually, runs

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder

pytestmark = pytest.mark.browser

START = [sys.executable, "-m", "qwenproxy", "start", "--sandbox"]


@contextmanager
def started(session_dir: Path, *options: str) -> Iterator[tuple[psutil.Popen, str]]:
    """Run `start --sandbox`; yield its process and its address once it listens."""
    told = environment(session_dir=session_dir, port=0, lang="en")
    with open(session_dir.with_suffix(".log"), "a") as log:
        server = psutil.Popen([*START, *options], env=told, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        address = next(found for line in server.stdout if (found := re.search(r"listens on (http\S+)", line)))
        yield server, address[1]
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


def test_it_starts_again_in_the_same_folder_but_not_twice_at_once(tmp_path: Path) -> None:
    with started(tmp_path / "session", "--sandbox-accounts", "2") as (server, url):
        assert ask(url, "{{say hello}}").text == "hello"
        assert_no_second_one(tmp_path, server, url)
    assert server.returncode == 0

    with started(tmp_path / "session", "--sandbox-accounts", "1") as (server, url):
        assert ask(url, "{{say hello}}").text == "hello"
        assert len(Registry.open(SessionFolder(tmp_path / "session/sandbox")).all()) == 1
        below = server.children(recursive=True)
        [stand_in] = [process for process in below if "sandbox" in process.cmdline()]
        server.kill()
        assert eventually(lambda: not any(map(runs, [stand_in, *below]))), "a killed server leaves processes behind"


def assert_no_second_one(tmp_path: Path, server: psutil.Popen, url: str) -> None:
    """Start a second server in the folder of the first, which is refused and leaves the first alone."""
    before = Registry.open(SessionFolder(tmp_path / "session/sandbox")).all()
    assert len(before) == 2
    told = environment(session_dir=tmp_path / "session", port=0, lang="en")
    second = subprocess.run(START, env=told, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert f"already running on {tmp_path / 'session/sandbox'} (process {server.pid})" in second.stderr
    assert f"listens on {url}" in second.stderr
    assert Registry.open(SessionFolder(tmp_path / "session/sandbox")).all() == before
    assert ask(url, "{{say Undisturbed.}}").text == "Undisturbed."


def test_on_a_terminal_it_tells_when_the_first_account_is_ready(tmp_path: Path) -> None:
    told = environment(session_dir=tmp_path / "session", port=0, lang="en")
    with Terminal(["start", "--sandbox"], told) as terminal:
        terminal.expect("Starting the stand-in of the site ...")
        terminal.expect("\r\x1b[K")
        terminal.expect("print(answer.choices[0].message.content)\n\n")
        told_first = terminal.expect("Account sandbox1 is ready after ")
        opening = r"The dashboard [^\n]*/ui/#key=\S+\n+Opening the browser of sandbox1 \.\.\.\x1b\[K"
        assert re.match(opening, told_first.replace("\r", "")), told_first
        assert float(terminal.expect(" s.").removesuffix(" s.")) < 60
        terminal.type("\x03")
        assert terminal.end() == 0


def test_a_taken_port_of_the_stand_in() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "qwenproxy", "sandbox", "--port", port]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert f"cannot listen on port {port}" in line
