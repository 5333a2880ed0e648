"""Hub and nodes as processes: their settings, their start, and their end, however it comes.

Settings go into files, because everybody on the machine may read a process's command line.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil

from local_grid.programs import GridPrograms
from qwenproxy.browser.grid_address import GridAddress
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.browser.grid_status import UP, Node
from qwenproxy.errors import GridError

MARK = "LOCAL_GRID"  # in the environment of everything that a Grid starts, browsers included
START_WAIT = 60.0  # seconds for a hub and its nodes
END_WAIT = 10.0  # seconds for a server to end by itself
LOOK_AGAIN = 0.1  # seconds
JAVA = ("-Xmx256m", "-XX:+UseSerialGC")


@dataclass(frozen=True)
class Wishes:
    """How a Grid is to be. Times are in seconds; `tls` has the files of certificate and key."""

    nodes: int = 2
    slots: int = 4
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: tuple[Path, Path] | None = None
    session_timeout: int = 300
    queue_wait: int = 20
    heartbeat: int = 5


def free_port() -> int:
    """Return a port of this machine that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LocalGrid:
    """A hub and its nodes on loopback."""

    def __init__(self, programs: GridPrograms, wishes: Wishes) -> None:
        """Start nothing yet: `start` does."""
        self.wishes = wishes
        self.port = wishes.port or free_port()
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="qwenproxy-grid-"))
        self._secret = secrets.token_hex(16)
        self._bus = [f"tcp://127.0.0.1:{free_port()}" for _ in range(2)]
        self._ports = [free_port() for _ in range(wishes.nodes)]
        self.hub: subprocess.Popen[bytes] | None = None
        self.nodes: list[subprocess.Popen[bytes] | None] = [None] * wishes.nodes

    def __enter__(self) -> LocalGrid:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The value of QWENPROXY_GRID_URL, with user and password."""
        scheme = "https" if self.wishes.tls else "http"
        login = ":".join(quote(word, safe="") for word in (self.wishes.user, self.wishes.password)) + "@"
        return f"{scheme}://{login if self.wishes.user else ''}localhost:{self.port}"

    def start(self) -> None:
        """Start hub and nodes and wait until they are up. Raises SystemExit with a server's last words."""
        self.start_hub()
        for number in range(self.wishes.nodes):
            self.start_node(number)
        self.await_nodes(self.wishes.nodes)

    def start_hub(self) -> None:
        """Start the hub; it may take some seconds until it answers."""
        wishes = self.wishes
        server: dict[str, object] = {"host": "127.0.0.1", "port": self.port, "registration-secret": self._secret}
        if wishes.tls:
            server |= {"https-certificate": str(wishes.tls[0]), "https-private-key": str(wishes.tls[1])}
        settings: dict[str, dict[str, object]] = {
            "server": server,
            "events": {"publish": self._bus[0], "subscribe": self._bus[1], "bind": True},
            "sessionqueue": {"session-request-timeout": wishes.queue_wait, "session-request-timeout-period": 2},
            "distributor": {"healthcheck-interval": 15, "reject-unsupported-caps": True},
        }
        if wishes.user:
            settings["router"] = {"username": wishes.user, "password": wishes.password}
        self.hub = self._run("hub", "hub", _toml(settings))

    def start_node(self, number: int) -> None:
        """Start a node; it may take some seconds until it has registered."""
        wishes, programs = self.wishes, self._programs
        settings: dict[str, dict[str, object]] = {
            "server": {"host": "127.0.0.1", "port": self._ports[number], "registration-secret": self._secret},
            "events": {"publish": self._bus[0], "subscribe": self._bus[1], "bind": False},
            "node": {
                "detect-drivers": False,
                "max-sessions": wishes.slots,
                "override-max-sessions": True,
                "session-timeout": wishes.session_timeout,
                "heartbeat-period": wishes.heartbeat,
            },
        }
        driver = {
            "display-name": "Chrome",
            "webdriver-executable": programs.driver,
            "max-sessions": wishes.slots,
            "stereotype": programs.stereotype,
        }
        text = _toml(settings) + "\n[[node.driver-configuration]]\n" + _lines(driver)
        self.nodes[number] = self._run("node", f"node{number}", text)

    def ask(self) -> tuple[Node, ...]:
        """Return the nodes that the hub knows. Raises GridError."""
        return GridHub(GridAddress.parse(self.url)).nodes()

    def await_nodes(self, count: int) -> None:
        """Wait until so many nodes are up. Raises SystemExit with the last words of a server that ended."""
        self.await_that(lambda: sum(node.availability == UP for node in self.ask()) == count)

    def await_that(self, what: Callable[[], bool]) -> None:
        """Wait until something holds of the Grid; it counts as not, while the hub is silent. Raises SystemExit."""
        deadline = time.monotonic() + START_WAIT
        while time.monotonic() < deadline:
            with suppress(GridError):
                if what():
                    return
            if self.hub and self.hub.poll() is not None:
                break
            time.sleep(LOOK_AGAIN)
        raise SystemExit(f"The Grid did not come up:\n{self.last_words()}")

    def kill_node(self, number: int) -> list[psutil.Process]:
        """Kill a node, as a crash of its Java does; return the browsers and drivers that it leaves behind."""
        node = self.nodes[number]
        assert node
        orphans = psutil.Process(node.pid).children(recursive=True)
        node.kill()
        node.wait()
        self.nodes[number] = None
        return orphans

    def node_of(self, session_port: str) -> int:
        """Return the number of the node at an address that ends with this port."""
        return [str(port) for port in self._ports].index(session_port)

    def kill_hub(self) -> None:
        """Kill the hub."""
        assert self.hub
        self.hub.kill()
        self.hub.wait()
        self.hub = None

    def browsers(self) -> list[psutil.Process]:
        """Return the browsers and drivers on all nodes, orphans included."""
        return [process for process in self._family() if "java" not in process.name()]

    def last_words(self) -> str:
        """Return the ends of the servers' logs."""
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-1500:]}" for log in self._folder.glob("*.log"))

    def stop(self) -> None:
        """End hub, nodes and every browser on them. Idempotent."""
        servers = [server for server in (*self.nodes, self.hub) if server]
        for server in servers:
            server.send_signal(signal.SIGTERM)
        for server in servers:
            with suppress(subprocess.TimeoutExpired):
                server.wait(END_WAIT)
        for process in self._family():
            with suppress(psutil.Error):
                process.kill()
        for server in servers:
            server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, role: str, name: str, settings: str) -> subprocess.Popen[bytes]:
        path = self._folder / f"{name}.toml"
        path.touch(0o600)
        path.write_text(settings, encoding="utf-8")
        command = [self._programs.java, *JAVA, "-jar", self._programs.jar, role, "--config", str(path)]
        with open(self._folder / f"{name}.log", "ab") as log:
            # A session of its own: Ctrl-C is for the script, which then ends all of them.
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, MARK: str(self._folder)},
                start_new_session=True,
            )

    def _family(self) -> list[psutil.Process]:
        processes: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == str(self._folder):
                    processes |= {one.pid: one for one in [process, *process.children(recursive=True)]}
        return [one for one in processes.values() if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def _toml(sections: dict[str, dict[str, object]]) -> str:
    return "\n".join(f"[{name}]\n{_lines(values)}" for name, values in sections.items())


def _lines(values: dict[str, object]) -> str:
    # The texts, numbers and flags of JSON are those of TOML, too, but for its pairs of escapes.
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
