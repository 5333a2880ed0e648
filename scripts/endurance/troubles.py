"""The troubles: what is killed, stopped or filled, and for how long."""

from __future__ import annotations

import errno
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from endurance.findings import Findings, Trouble
from endurance.server import Server
from local_grid.servers import LocalGrid

SILENCE = (2.0, 8.0)  # seconds for which the site or the disk is away
SHORTEST_GAP = 5.0  # seconds between two troubles


class Troubles:
    """Makes troubles at random moments, until `stop`. `on_start` is called when a new server listens."""

    on_start: Callable[[], None]

    def __init__(self, server: Server, site: psutil.Process, findings: Findings, chance: random.Random) -> None:
        self._server = server
        self._site = site
        self._findings = findings
        self._chance = chance
        self._over = threading.Event()
        self.kinds: dict[str, Callable[[], None]] = {
            "Chrome killed": self._kill_chrome,
            "driver killed": self._kill_driver,
            "server killed": self._kill_server,
            "server restarted": self._restart,
            "site silent": self._silence_site,
        }

    def add_disk(self, folder: Path) -> None:
        """Also fill the disk that a folder lies on."""
        self.kinds["disk full"] = lambda: self._fill(folder / "ballast")

    def add_grid(self, grid: LocalGrid) -> None:
        """Also kill a node of the Grid with its browsers; it comes back after a while."""
        self.kinds["node killed"] = lambda: self._kill_node(grid)

    def run(self, seconds: float, times: int) -> None:
        """Make so many troubles over so many seconds."""
        kinds = list(self.kinds)
        names = [kinds[number % len(kinds)] for number in range(times)]
        self._chance.shuffle(names)
        for name in names:
            gap = self._chance.expovariate(times / seconds)
            if self._over.wait(max(SHORTEST_GAP, min(gap, 3 * seconds / times))):
                return
            begun = time.monotonic()
            try:
                self.kinds[name]()
            except (RuntimeError, OSError, psutil.Error) as error:
                self._findings.fault(f"{name}: {error!r}")
            self._findings.note(Trouble(name, begun, time.monotonic()))

    def stop(self) -> None:
        """Make no further ones."""
        self._over.set()

    def _kill_chrome(self) -> None:
        self._kill_one(self._server.browsers())

    def _kill_driver(self) -> None:
        self._kill_one(self._server.drivers())

    def _kill_one(self, processes: list[psutil.Process]) -> None:
        """Kill one with its children: on a node nobody else ends the Chrome of a driver that died."""
        if processes:
            with suppress(psutil.NoSuchProcess):
                chosen = self._chance.choice(processes)
                _kill([chosen, *chosen.children(recursive=True)])

    def _kill_server(self) -> None:
        self._server.kill()
        self._begin()

    def _restart(self) -> None:
        status = self._server.stop()
        if status:
            self._findings.fault(f"a server that was told to stop ended with status {status}")
        self._begin()

    def _begin(self) -> None:
        self._server.start()
        self.on_start()

    def _silence_site(self) -> None:
        self._site.send_signal(signal.SIGSTOP)
        time.sleep(self._chance.uniform(*SILENCE))
        self._site.send_signal(signal.SIGCONT)

    def _kill_node(self, grid: LocalGrid) -> None:
        number = self._chance.randrange(len(grid.nodes))
        _kill(grid.kill_node(number))
        time.sleep(self._chance.uniform(*SILENCE))
        grid.start_node(number)
        grid.await_nodes(len(grid.nodes))

    def _fill(self, ballast: Path) -> None:
        try:
            with open(ballast, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 20))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        time.sleep(self._chance.uniform(*SILENCE))
        ballast.unlink(missing_ok=True)


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
