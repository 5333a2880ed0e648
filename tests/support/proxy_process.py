"""A qwenproxy server in a process of its own: how the browser tests start it, watch it and end it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import psutil
from filelock import FileLock

from qwenproxy.accounts.registry import Registry
from qwenproxy.config import SETTINGS
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.sandbox import Sandbox

ACCOUNT_CONCURRENCY = 2  # answers at a time of an account of the shared server
END_WAIT = 60.0  # seconds a server gets to end, browsers included, on a machine with other work to do

T = TypeVar("T")


class Proxy:
    """One server over `session_dir`, facing `site`; further settings by name.

    `url`, and the `ollama_url` where Ollama's API has its root, are set once it serves.
    `command` is what the interpreter is told to run.
    """

    def __init__(self, site: Sandbox, session_dir: Path, **settings: object) -> None:
        self.session_dir = session_dir
        self.registry = Registry.open(SessionFolder(session_dir))
        self.url = ""
        self.ollama_url = ""
        self.command = ["-m", "qwenproxy", "start"]
        self._log = session_dir.parent / f"{session_dir.name}.log"
        told = {
            "lang": "en",
            "base_url": site.base_url,
            "base_url_spki": site.spki,
            "session_dir": session_dir,
            "port": 0,
        }
        self.environment = environment(**{**told, "no_menu": 1, "spare_chats": 0, "log_level": "debug", **settings})
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Proxy:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server and wait until it says where it listens."""
        with open(self._log, "a") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.command],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # a signal to the whole test run is not for the server: the fixture ends it
                start_new_session=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "listens on" in line:
                self.url = line.split()[3]
            elif line.startswith("Ollama's API is at "):
                self.ollama_url = line.split()[-1]
                return
        raise AssertionError(f"the server ended with {self._process.wait()}:\n{self.log()}")

    @property
    def pid(self) -> int:
        """The id of the process that was started."""
        assert self._process is not None
        return self._process.pid

    @property
    def address(self) -> tuple[str, int]:
        """Host and port where it serves."""
        address = urlsplit(self.url)
        assert address.hostname and address.port
        return address.hostname, address.port

    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text()

    def forget_log(self) -> None:
        """Begin the log anew; the server appends to it."""
        os.truncate(self._log, 0)

    def end(self, sent: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        assert self._process is not None
        self._process.send_signal(sent)
        return self.wait()

    def wait(self) -> int:
        """Return the exit status once the server has ended."""
        assert self._process is not None
        self._process.communicate(timeout=END_WAIT)
        return self._process.returncode

    def close(self) -> None:
        """End the server, however it stands, and everything it started. Idempotent."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=END_WAIT)
        self._process.kill()
        self._process.communicate()
        self._process = None
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def family(self) -> list[psutil.Process]:
        """Return all running processes that belong to the session folder: servers, browsers and drivers."""
        return family(self.session_dir)

    def browser(self, account_id: str) -> tuple[psutil.Process, psutil.Process]:
        """Return Chrome and chromedriver of an account that has them open."""
        record = json.loads(self.registry.folder(account_id).browser_note.read_text())
        chrome, driver = (psutil.Process(int(pid)) for pid, _ in record["processes"])
        return chrome, driver


def worker(proxy: Proxy) -> psutil.Process:
    """Return the process of a server that answers requests and owns the browsers."""
    [child] = [each for each in psutil.Process(proxy.pid).children() if "python" in each.name()]
    return child


def environment(**settings: object) -> dict[str, str]:
    """Return this process's environment with these settings of qwenproxy and no others."""
    known = {name for setting in SETTINGS for name in (f"QWENPROXY_{setting.name}", *setting.older)}
    kept = {name: value for name, value in os.environ.items() if name not in known}
    return {**kept, **{f"QWENPROXY_{name.upper()}": str(value) for name, value in settings.items()}}


def family(session_dir: Path) -> list[psutil.Process]:
    """Return the running processes that were started for a session folder, with all that they started.

    Found by the setting in their environment, so that one whose parent died is found, too.
    """
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("QWENPROXY_SESSION_DIR") == str(session_dir):
                found.update({one.pid: one for one in [process, *process.children(recursive=True)]})
    return [process for process in found.values() if runs(process)]


def runs(process: psutil.Process) -> bool:
    """Tell whether a process still runs; one that nobody has reaped does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def eventually(predicate: Callable[[], T], wait: float = 30.0) -> T:
    """Return what `predicate` says once that is true, or what it says after `wait` seconds.

    For what other processes do to the machine, which announce nothing that could be awaited.
    """
    deadline = time.monotonic() + wait
    while not (outcome := predicate()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return outcome


def assert_nothing_left(proxy: Proxy) -> None:
    """Neither processes nor locks may be left of a server that had one account open."""
    assert eventually(lambda: not proxy.family()), "processes are left behind"
    for name in ("server.lock", "accounts/sandbox1/browser.lock"):
        with FileLock(proxy.session_dir / name, timeout=0):
            pass  # it could be taken: nobody holds it
    assert not (proxy.session_dir / "accounts/sandbox1/browser.json").exists()
