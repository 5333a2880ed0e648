"""The table of both ways, with more and more streams at once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, replace

import psutil

from benchmark.load import Figures, Load, run_round
from benchmark.processes import Parts, cpu_of, memory_text, parts_of

IDLE_TIME = 5.0  # seconds the idle proxy is watched

HEAD = (
    "| streams | way | errors | TTFT p50 / p95 ms | of it making the chat | chunk delay p50 / p95 ms | wall s "
    "| wall ratio | CPU ms per chunk |\n|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Row:
    """What one way showed, and the processor time that it took for a chunk, in ms by part."""

    figures: Figures
    cpu: dict[str, float]


@dataclass(frozen=True)
class Way:
    """A proxy that is measured: its name in the table, its port and its process, and what goes on meanwhile."""

    name: str
    port: int
    process: psutil.Process
    meanwhile: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True)
class Rounds:
    """What is asked in each round, how often, and the stand-in that answers."""

    load: Load
    count: int
    site: psutil.Process

    def compare(self, counts: list[int], ways: list[Way]) -> None:
        """Print a row for each number of streams and each way, then what the proxies take when idle."""
        print(f"\n{self.load.chunks} chunks per stream, one every 20 ms; medians of {self.count} rounds\n")
        print(HEAD)
        for streams in counts:
            rows: dict[str, list[Row]] = {name: [] for name in ("direct", *(way.name for way in ways))}
            for _ in range(self.count):
                direct = replace(self.load, way="direct", streams=streams)
                rows["direct"].append(self._measure(direct, {}))
                for way in ways:
                    load = replace(self.load, way="proxied", streams=streams, port=way.port)
                    with way.meanwhile():
                        rows[way.name].append(self._measure(load, parts_of(way.process)))
            for name, its_rows in rows.items():
                _print_row(streams, name, _median(its_rows), _median(rows["direct"]))
        for way in {way.port: way for way in reversed(ways)}.values():
            print(f"\nPSS of {way.name} after all of this: {memory_text(way.process)}")
            _print_idle_cpu(way.process)

    def _measure(self, load: Load, parts: Parts) -> Row:
        parts = {"site": [self.site], **parts}
        before = {part: cpu_of(processes) for part, processes in parts.items()}
        figures = run_round(load)
        chunks = load.streams * load.chunks
        cpu = {part: (cpu_of(each) - before[part]) * 1000 / chunks for part, each in parts.items()}
        return Row(figures, cpu)


def median_of(rounds: list[Figures]) -> Figures:
    """Return the median of each figure, but the sum of the errors."""
    names = [field.name for field in fields(Figures) if field.name != "errors"]
    middle = {name: statistics.median(getattr(one, name) for one in rounds) for name in names}
    return Figures(errors=sum(one.errors for one in rounds), **middle)


def _median(rows: list[Row]) -> Row:
    cpu = {part: statistics.median(row.cpu[part] for row in rows) for part in rows[0].cpu}
    return Row(median_of([row.figures for row in rows]), cpu)


def _print_row(streams: int, way: str, row: Row, direct: Row) -> None:
    figures = row.figures
    cpu = ", ".join(f"{part} {value:.2f}" for part, value in row.cpu.items())
    print(
        f"| {streams} | {way} | {figures.errors} | {figures.first50:.0f} / {figures.first95:.0f} "
        f"| {figures.chat50:.0f} | {figures.delay50:.1f} / {figures.delay95:.1f} | {figures.wall:.2f} "
        f"| {figures.wall / direct.figures.wall:.2f} | {cpu} |",
        flush=True,
    )


def _print_idle_cpu(proxy: psutil.Process) -> None:
    processes = [each for part in parts_of(proxy).values() for each in part]
    before = cpu_of(processes)
    time.sleep(IDLE_TIME)
    share = (cpu_of(processes) - before) / IDLE_TIME
    print(f"CPU of the idle proxy with its open tab: {share * 100:.1f} % of one core")
