"""Many accounts: what they take in browsers of their own, and in browsers that they share."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmark.comparison import median_of
from benchmark.load import Load, run_round
from benchmark.processes import Parts, cpu_of, memory_of, parts_of
from benchmark.servers import running_proxy
from qwenproxy.accounts.registry import Registry
from qwenproxy.cli.sandbox import SandboxAddress
from qwenproxy.disk.folder import SessionFolder

SETTLE = 3.0  # seconds after the last answer until the memory is read
HEAD = (
    "| accounts in one browser | browsers | start s | first answers of all s | PSS MiB: python / driver / chrome "
    "| streams: errors, chunk delay p50 / p95 ms, CPU ms per chunk: python / driver / chrome |\n"
    "|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Plan:
    """How many streams there are in each round, how many rounds, and how long a stream is."""

    counts: list[int]
    rounds: int
    chunks: int


def compare_sharing(address: SandboxAddress, folder: Path, shares: list[int], plan: Plan) -> None:
    """Print a row for each number of accounts in one browser, with all of the stand-in's accounts in use."""
    accounts = len(address.tokens)
    print(f"\n{accounts} accounts; {plan.chunks} chunks per stream, medians of {plan.rounds} rounds\n\n{HEAD}")
    for share in shares:
        session = SessionFolder(folder / f"session-{share}")
        registry = Registry.open(session)
        for account_id, token in address.tokens.items():
            registry.add(token, account_id)
        _print_row(address, session, share, plan)


def _print_row(address: SandboxAddress, session: SessionFolder, share: int, plan: Plan) -> None:
    accounts = len(address.tokens)
    settings = {"ACCOUNTS_PER_BROWSER": str(share), "ACCOUNT_CONCURRENCY": str(max(1, max(plan.counts) // accounts))}
    begun = time.monotonic()
    with running_proxy(address, session.root, settings) as (pid, port):
        load = Load(address.base_url, next(iter(address.tokens.values())), port)
        run_round(load)
        started = time.monotonic() - begun
        proxy = psutil.Process(pid)
        # So many streams at once, and long ones, that each account has to take one.
        everybody = run_round(
            replace(load, streams=accounts * int(settings["ACCOUNT_CONCURRENCY"]), chunks=plan.chunks)
        )
        time.sleep(SETTLE)
        parts = parts_of(proxy)
        browsers = sum("--type=" not in " ".join(each.cmdline()) for each in parts["chrome"])
        sizes = " / ".join(f"{size:.0f}" for size in memory_of(parts).values())
        figures = [
            _streams(replace(load, streams=count, chunks=plan.chunks), plan.rounds, parts) for count in plan.counts
        ]
    print(
        f"| {share} | {browsers} | {started:.1f} | {everybody.wall:.1f} ({everybody.errors} errors) | {sizes} "
        f"| {'; '.join(figures)} |",
        flush=True,
    )


def _streams(load: Load, rounds: int, parts: Parts) -> str:
    before = [cpu_of(processes) for processes in parts.values()]
    figures = median_of([run_round(load) for _ in range(rounds)])
    chunks = load.streams * load.chunks * rounds
    spent = [cpu_of(part) - earlier for part, earlier in zip(parts.values(), before, strict=True)]
    cpu = " / ".join(f"{seconds * 1000 / chunks:.2f}" for seconds in spent)
    return f"{load.streams}: {figures.errors}, {figures.delay50:.1f} / {figures.delay95:.1f}, {cpu}"
