"""The command line of scripts/kill-store."""

from __future__ import annotations

import argparse
import logging
import sys
from collections import Counter

import kill_store
from kill_store.model import Wrong
from kill_store.server_kills import kill_servers
from kill_store.store_kills import DATABASE, FILES, kill_writers


def main() -> None:
    """Kill and check. Exits with status 1 at the first thing that is wrong."""
    parser = argparse.ArgumentParser("scripts/kill-store", description=kill_store.__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="of what writes the database")
    parser.add_argument("--file-kills", type=int, default=1000, help="of what writes the stores that are files")
    parser.add_argument("--server-kills", type=int, default=30, help="of whole servers, on the stand-in of the site")
    parser.add_argument("--seed", type=int, default=0, help="of the random points")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # each job that a kill interrupts is a warning of the store
    try:
        if arguments.kills:
            _show("the database alone", kill_writers(DATABASE, arguments.kills, arguments.seed))
        if arguments.file_kills:
            _show("the files alone", kill_writers(FILES, arguments.file_kills, arguments.seed))
        if arguments.server_kills:
            _show("whole servers", kill_servers(arguments.server_kills, arguments.seed))
    except Wrong as error:
        sys.exit(f"WRONG: {error}")


def _show(title: str, counts: Counter[str]) -> None:
    print(f"{title}: {', '.join(f'{count:,} {name}' for name, count in counts.items())}", flush=True)


if __name__ == "__main__":
    main()
