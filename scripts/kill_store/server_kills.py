"""Whole servers: clients ask, the server is killed at a random point, and the next one is asked what it knows."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import requests

from benchmark.processes import kill_python
from benchmark.servers import log_in, running_proxy, running_site
from kill_store.clients import Client, Conversing, Storing, Waiting
from kill_store.model import Wrong

QUIET = {"LOG_LEVEL": "error"}  # what a kill leaves to the next server is a warning there
LONGEST = 3.0  # seconds from the first request to the kill
KINDS: tuple[Callable[[], Client], ...] = (Storing, Conversing, Waiting, Waiting)


def kill_servers(kills: int, seed: int) -> Counter[str]:
    """Kill so many servers; return what was seen. Raises Wrong."""
    chance = random.Random(seed)
    clients = [kind() for kind in KINDS]
    counts: Counter[str] = Counter()
    with running_site() as (_, address), tempfile.TemporaryDirectory(prefix="qwenproxy-kills-") as folder:
        session_dir = Path(folder) / "session"
        log_in(address, session_dir)
        for number in range(kills + 1):
            with running_proxy(address, session_dir, QUIET) as (process_id, port):
                url = f"http://127.0.0.1:{port}/v1"
                try:
                    for client in clients:
                        client.check(url, counts)
                    if number < kills:
                        _use_and_kill(clients, url, psutil.Process(process_id), chance.uniform(0, LONGEST))
                        counts["kills"] += 1
                except Wrong as error:
                    raise Wrong(f"server kill {number} with --seed {seed}: {error}") from error
    return counts


def _use_and_kill(clients: list[Client], url: str, server: psutil.Process, delay: float) -> None:
    """Let the clients ask, and kill the server after `delay` seconds. Raises Wrong for a wrong answer."""
    with ThreadPoolExecutor(len(clients)) as threads:
        uses = [threads.submit(_use, client, url) for client in clients]
        time.sleep(delay)
        kill_python(server)
    for use in uses:
        use.result()


def _use(client: Client, url: str) -> None:
    with suppress(requests.RequestException):  # the server was killed
        while True:
            client.ask(url)
