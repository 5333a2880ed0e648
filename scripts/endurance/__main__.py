"""The command line of scripts/endure: clients and troubles side by side, then a look at what is left."""

from __future__ import annotations

import argparse
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import psutil
import requests

import endurance
from benchmark.processes import memory_of
from benchmark.servers import control, log_in, running_site
from endurance.clients import Clients
from endurance.findings import GRACE, Findings, Outcome, Refused, Wrong
from endurance.server import Server, disk
from endurance.troubles import Troubles
from local_grid.programs import find_programs
from local_grid.servers import LocalGrid, Wishes
from qwenproxy.accounts.registry import Registry
from qwenproxy.cli.sandbox import SandboxAddress
from qwenproxy.disk.folder import SessionFolder

AT_ONCE = 16  # requests
MEMORY_EVERY = 20.0  # seconds
GRID = Wishes(nodes=2, slots=8, session_timeout=60)  # a killed server leaves its sessions until that timeout (s)
SETTLE_WAIT = 90.0  # seconds that the accounts get to come back after the last trouble


def main() -> None:
    """Endure, and exit with status 1 if something was wrong."""
    parser = argparse.ArgumentParser("scripts/endure", description=endurance.__doc__)
    parser.add_argument("--hours", type=float, default=24, help="of the site's clock")
    parser.add_argument("--speed", type=int, default=60, help="of the site's clock beside the real one")
    parser.add_argument("--rate", type=float, default=2, help="requests a second, in real time")
    parser.add_argument("--accounts", type=int, default=3)
    parser.add_argument("--troubles", type=int, default=36, help="how many, of all kinds alike")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--grid", action="store_true", help="with browsers on a Grid of two nodes, started here")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing that was started here stays
    findings = Findings()
    with (
        running_site(arguments.accounts, arguments.speed) as (site_pid, address),
        tempfile.TemporaryDirectory(prefix="qwenproxy-endure-") as folder,
        disk(Path(folder)) as why_none,
        LocalGrid(find_programs(), GRID) if arguments.grid else nullcontext() as grid,
    ):
        session_dir = Path(folder) / "session"
        log_in(address, session_dir)
        log = Path(tempfile.mkstemp(prefix="qwenproxy-endure-", suffix=".log")[1])
        server = Server(address, session_dir, log, grid)
        run = _Run(arguments, findings, server, psutil.Process(site_pid))
        if why_none:
            print(f"the disk is never full: {why_none}")
        else:
            run.troubles.add_disk(Path(folder))
        if grid:
            run.troubles.add_grid(grid)
        run.live()
        run.look_back(address)
    print(findings.report())
    print(f"log: {server.log}")
    sys.exit(bool(findings.faults or findings.unexplained()))


class _Run:
    def __init__(self, arguments: argparse.Namespace, findings: Findings, server: Server, site: psutil.Process) -> None:
        self._arguments = arguments
        self._findings = findings
        self._server = server
        self._clients = Clients(arguments.seed)
        self._seconds = arguments.hours * 3600 / arguments.speed
        self._memory: list[float] = []
        self.troubles = Troubles(server, site, findings, random.Random(arguments.seed))
        self.troubles.on_start = self._note_server

    def live(self) -> None:
        """Let clients ask while troubles come."""
        self._server.start()
        self._note_server()
        maker = threading.Thread(
            target=self.troubles.run, args=(self._seconds - 2 * GRACE, self._arguments.troubles), daemon=True
        )
        maker.start()
        free = threading.Semaphore(AT_ONCE)
        begun, number, next_look = time.monotonic(), 0, 0.0
        with ThreadPoolExecutor(AT_ONCE) as threads:
            while (now := time.monotonic() - begun) < self._seconds:
                if now >= next_look:
                    self._look_at_memory(now)
                    next_look = now + MEMORY_EVERY
                if free.acquire(timeout=1.0):
                    threads.submit(self._ask, free)
                    number += 1
                    time.sleep(max(0.0, begun + number / self._arguments.rate - time.monotonic()))
        self.troubles.stop()
        maker.join(120)

    def look_back(self, address: SandboxAddress) -> None:
        """Let the accounts come back; see what is kept, how they stand, and what is left after the stop."""
        registry = Registry.open(SessionFolder(self._server.session_dir))
        deadline = time.monotonic() + SETTLE_WAIT
        while (statuses := self._statuses(registry)) != {"OK"} and time.monotonic() < deadline:
            time.sleep(1.0)
        if statuses != {"OK"}:
            self._findings.fault(f"accounts are {', '.join(sorted(statuses))}")
        for lost in self._clients.kept():
            self._findings.fault(f"lost: {lost}")
        kept = len(self._clients.chats), len(self._clients.responses)
        status = self._server.stop()
        if status:
            self._findings.fault(f"the last stop ended with status {status}")
        deadline = time.monotonic() + (2 * GRID.session_timeout if self._arguments.grid else 0)
        while (left := self._server.left()) and time.monotonic() < deadline:
            time.sleep(1.0)
        for line in left:
            self._findings.fault(f"still runs: {line}")
        running = control(address, "state")["running"]
        if running:
            self._findings.fault(f"{len(running)} answers still run at the site")
        print(f"kept: {kept[0]} chats with memory, {kept[1]} stored responses")
        print(f"Python's memory in MiB: {', '.join(f'{size:.0f}' for size in self._memory)}")
        if "Traceback" in self._server.log.read_text():
            self._findings.fault("the log has a traceback")

    def _ask(self, free: threading.Semaphore) -> None:
        ask, begun, failure = self._clients.draw(), time.monotonic(), ""
        try:
            ask()
        except Wrong as error:
            self._findings.fault(f"{ask.__name__}: {error}")
        except Refused as error:
            failure = str(error)
        except requests.RequestException as error:
            failure = f"no answer ({type(error).__name__})"
        except (LookupError, TypeError, ValueError) as error:
            self._findings.fault(f"{ask.__name__}: an answer of another form: {error!r}")
        finally:
            free.release()
        self._findings.add(Outcome(ask.__name__, begun, time.monotonic(), failure))

    def _look_at_memory(self, now: float) -> None:
        self._memory.append(memory_of({"python": self._server.python()})["python"])
        print(
            f"{now / self._seconds:4.0%}: {len(self._findings.outcomes)} requests, {len(self._findings.troubles)} "
            f"troubles, {len(self._findings.unexplained())} failures without a cause, Python "
            f"{statistics.fmean(self._memory[-3:]):.0f} MiB",
            flush=True,
        )

    def _note_server(self) -> None:
        self._clients.url = self._server.url

    def _statuses(self, registry: Registry) -> set[str]:
        return {account.status(time.time()) for account in registry.all()}


if __name__ == "__main__":
    main()
