"""The command line of scripts/grid."""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import local_grid
from local_grid.programs import find_programs
from local_grid.servers import LocalGrid, Wishes
from qwenproxy.sandbox.tls import new_identity

LOOK_EVERY = 1.0  # seconds between two looks whether hub and nodes run


def main() -> None:
    """Start a Grid, print its address, and run it until Ctrl-C or SIGTERM."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    programs = find_programs()
    with suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="qwenproxy-grid-tls-") as folder:
        tls = new_identity().write_to(Path(folder)) if arguments.tls else None
        if tls:
            os.environ["SSL_CERT_FILE"] = str(tls[0])  # for our own questions to the hub
        password = _password(arguments) if arguments.user else ""
        times = {"session_timeout": arguments.session_timeout, "queue_wait": arguments.queue_wait}
        wishes = Wishes(arguments.nodes, arguments.slots, arguments.port, arguments.user, password, tls, **times)
        print(f"Starting a hub and {arguments.nodes} nodes ...", file=sys.stderr)
        with LocalGrid(programs, wishes) as grid:
            if tls:
                print(f"export SSL_CERT_FILE={shlex.quote(str(tls[0]))}")
            print(f"export QWENPROXY_GRID_URL={grid.url}", flush=True)
            print("Ctrl-C ends the Grid and every browser on it.", file=sys.stderr)
            _watch(grid)


def _watch(grid: LocalGrid) -> None:
    """Say when a node ended; end with the hub. Raises SystemExit."""
    ended: set[int] = set()
    while grid.hub and grid.hub.poll() is None:
        for number, node in enumerate(grid.nodes):
            if node and node.poll() is not None and number not in ended:
                ended.add(number)
                print(
                    f"Node {number + 1} ended (exit status {node.returncode}). To have it again: Ctrl-C, then "
                    "scripts/grid as before.",
                    file=sys.stderr,
                )
        time.sleep(LOOK_EVERY)
    raise SystemExit(f"The hub ended, and the Grid with it. Start it again: scripts/grid\n{grid.last_words()}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/grid", description=local_grid.__doc__)
    parser.add_argument("--nodes", type=int, default=2, help="number of nodes (2)")
    parser.add_argument("--slots", type=int, default=4, help="browsers that a node runs at most (4)")
    parser.add_argument("--port", type=int, default=4444, help="the hub's port (4444); 0 takes a free one")
    parser.add_argument("--user", default="", help="let only this user in, with a random password, which is printed")
    parser.add_argument("--password-file", type=Path, help="read the password from this file instead")
    parser.add_argument("--tls", action="store_true", help="speak TLS with a certificate of our own")
    parser.add_argument("--session-timeout", type=int, default=300, help="seconds until an idle session ends (300)")
    parser.add_argument("--queue-wait", type=int, default=20, help="seconds a request waits for a slot (20)")
    return parser.parse_args()


def _password(arguments: argparse.Namespace) -> str:
    if arguments.password_file:
        return str(arguments.password_file.read_text()).strip()
    return secrets.token_urlsafe(12)


if __name__ == "__main__":
    main()
