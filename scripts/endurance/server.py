"""The proxy under test: it can be killed and started anew over the same session folder."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmark.processes import kill_python, parts_of
from benchmark.servers import COMMAND, END_WAIT, await_ready, launch, port_in, settings_of
from local_grid.servers import LocalGrid
from qwenproxy.cli.sandbox import SandboxAddress

SETTINGS = {"ACCOUNT_CONCURRENCY": "4", "THREADS": "64", "ON_NO_ACCOUNTS": "wait", "LOG_LEVEL": "info"}


class Server:
    """A proxy, started with `start`. Its log goes on in one file over all starts."""

    def __init__(self, address: SandboxAddress, session_dir: Path, log: Path, grid: LocalGrid | None = None) -> None:
        """With `grid` its browsers are there."""
        self.session_dir = session_dir
        self.log = log
        self.url = ""
        self._grid = grid
        settings = {**SETTINGS, **({"GRID_URL": grid.url} if grid else {})}
        self._environment = settings_of(address, session_dir, settings)
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and wait until it listens. Raises RuntimeError if it ends before."""
        with open(self.log, "a") as log:
            self._process = launch([*COMMAND, "start"], self._environment, log)
        self.url = f"http://127.0.0.1:{await_ready(self._process, port_in)}"

    def kill(self) -> None:
        """Kill all of its Python at once."""
        assert self._process is not None
        kill_python(psutil.Process(self._process.pid))
        self._process.wait(END_WAIT)

    def stop(self) -> int:
        """Stop it as a person does; return its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(END_WAIT)

    def python(self) -> list[psutil.Process]:
        """Return its processes of Python."""
        assert self._process is not None
        with suppress(psutil.NoSuchProcess):
            return parts_of(psutil.Process(self._process.pid))["python"]
        return []

    def drivers(self) -> list[psutil.Process]:
        """Return the drivers of its browsers, wherever they run."""
        return [process for process, words in self._outside() if "chromedriver" in words[0]]

    def browsers(self) -> list[psutil.Process]:
        """Return the main processes of its Chromes, wherever they run."""
        return [
            process
            for process, words in self._outside()
            if "chromedriver" not in words[0] and not any(word.startswith("--type=") for word in words)
        ]

    def left(self) -> list[str]:
        """Return the command lines of processes that still run for the session folder, those on the Grid included."""
        found = [words for _, words in self._outside()] if self._grid else []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("QWENPROXY_SESSION_DIR") == str(self.session_dir):
                    found.append(process.cmdline())
        return [" ".join(words)[:120] for words in found]

    def _outside(self) -> Iterator[tuple[psutil.Process, list[str]]]:
        """Give its browsers' and drivers' processes with their command lines."""
        processes = self._grid.browsers() if self._grid else self._children()
        for process in processes:
            with suppress(psutil.Error):
                if words := process.cmdline():
                    yield process, words

    def _children(self) -> list[psutil.Process]:
        assert self._process is not None
        with suppress(psutil.NoSuchProcess):
            parts = parts_of(psutil.Process(self._process.pid))
            return [*parts["chromedriver"], *parts["chrome"]]
        return []


@contextmanager
def disk(folder: Path) -> Iterator[str]:
    """Give a folder a small disk of its own, so that it can be full; yield "" or why it has none."""
    if os.name != "posix" or os.geteuid() != 0:
        yield "only root can mount one"
        return
    command = ["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        yield mounted.stderr.strip()
        return
    try:
        yield ""
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
