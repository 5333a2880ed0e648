"""The command line of scripts/bench: starts the servers and what measures them."""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil

import benchmark
from benchmark.api_costs import compare_apis
from benchmark.comparison import Rounds, Way
from benchmark.conversation import hold_conversation
from benchmark.load import Load, print_round, run_round
from benchmark.memory import watch_memory
from benchmark.processes import memory_text
from benchmark.servers import log_in, running_proxy, running_site
from benchmark.sharing import Plan, compare_sharing
from benchmark.viewers import watching
from benchmark.wire_apis import WIRE_APIS
from qwenproxy.access.keys import KeyFile
from qwenproxy.accounts.registry import Registry
from qwenproxy.cli.sandbox import SandboxAddress
from qwenproxy.disk.folder import SessionFolder

_OTHER_APIS = [name for name in WIRE_APIS if name != "chat"]


def main() -> None:
    """Measure, or with --load be the load generator."""
    arguments = _arguments()
    if arguments.load:
        print_round(arguments.load)
        return
    with tempfile.TemporaryDirectory(prefix="qwenproxy-bench-") as folder:
        if arguments.accounts:
            _measure_sharing(arguments, Path(folder))
        else:
            _measure(arguments, Path(folder) / "session")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench", description=benchmark.__doc__)
    parser.add_argument("--streams", default="1,8,32,64,128", help="numbers of concurrent streams")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each; the median is shown")
    parser.add_argument("--chunks", type=int, default=100, help="chunks of one stream")
    parser.add_argument("--soak", type=int, metavar="REQUESTS", help="instead: many short requests, memory over them")
    parser.add_argument(
        "--conversation", type=int, metavar="STEPS", help="instead: an agent's conversation, step by step"
    )
    parser.add_argument(
        "--accounts", type=int, help="instead: so many accounts, in browsers of their own and in shared ones"
    )
    parser.add_argument(
        "--api",
        type=_apis,
        metavar="NAMES",
        help=f"instead: these wire APIs beside chat completions: {', '.join(_OTHER_APIS)}, or all",
    )
    parser.add_argument("--share", default="1,5,20", help="with --accounts: numbers of accounts in one browser")
    parser.add_argument("--grid", default="", metavar="URL", help="also measure with browsers on this Selenium Grid")
    parser.add_argument("--viewers", type=int, default=0, help="also measure with so many pages of the dashboard open")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    return parser.parse_args()


def _apis(text: str) -> list[str]:
    """Return the names in a list with commas. Raises ArgumentTypeError for an unknown one."""
    names = _OTHER_APIS if text == "all" else text.split(",")
    if unknown := [name for name in names if name not in _OTHER_APIS]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(_OTHER_APIS)}, all")
    return names


def _measure_sharing(arguments: argparse.Namespace, folder: Path) -> None:
    shares, counts = ([int(number) for number in text.split(",")] for text in (arguments.share, arguments.streams))
    with running_site(arguments.accounts) as (_, address):
        compare_sharing(address, folder, shares, Plan(counts, arguments.rounds, arguments.chunks))


def _measure(arguments: argparse.Namespace, session_dir: Path) -> None:
    with running_site() as (site_pid, address):
        log_in(address, session_dir)
        begun = time.monotonic()
        with running_proxy(address, session_dir) as (proxy_pid, port):
            load = Load(address.base_url, next(iter(address.tokens.values())), port)
            first = run_round(load)
            failure = " (FAILED)" if first.errors else ""
            print(f"process start to the end of the first answer: {time.monotonic() - begun:.2f} s{failure}")
            proxy = psutil.Process(proxy_pid)
            print(f"PSS of the proxy's process tree then: {memory_text(proxy)}")
            if arguments.conversation:
                hold_conversation(port, address, arguments.conversation)
            elif arguments.soak:
                watch_memory(port, arguments.soak, proxy)
            elif arguments.api:
                counts = [int(count) for count in arguments.streams.split(",")]
                compare_apis(
                    replace(load, chunks=arguments.chunks),
                    arguments.api,
                    Plan(counts, arguments.rounds, arguments.chunks),
                    proxy,
                )
            else:
                local = [Way("proxied", port, proxy)]
                if arguments.viewers:
                    [admin_key, *_] = KeyFile(SessionFolder(session_dir).admin_key).keys()
                    watched = partial(watching, port, admin_key, arguments.viewers)
                    local.append(Way(f"viewers: {arguments.viewers}", port, proxy, watched))
                _compare(arguments, replace(load, chunks=arguments.chunks), site_pid, address, local)


def _compare(
    arguments: argparse.Namespace, load: Load, site_pid: int, address: SandboxAddress, local: list[Way]
) -> None:
    """Compare the ways; a proxy whose browsers are on a Grid is one more."""
    rounds = Rounds(load, arguments.rounds, psutil.Process(site_pid))
    counts = [int(count) for count in arguments.streams.split(",")]
    if not arguments.grid:
        rounds.compare(counts, local)
        return
    with tempfile.TemporaryDirectory(prefix="qwenproxy-bench-") as folder:
        session_dir = Path(folder) / "session"
        [(account_id, token), *_] = address.tokens.items()
        Registry.open(SessionFolder(session_dir)).add(token, account_id)
        with running_proxy(address, session_dir, {"GRID_URL": arguments.grid}) as (pid, port):
            run_round(replace(load, port=port, chunks=1))  # opens the browser
            rounds.compare(counts, [*local, Way("grid", port, psutil.Process(pid))])


if __name__ == "__main__":
    main()
