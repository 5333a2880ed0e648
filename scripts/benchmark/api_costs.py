"""What each wire API costs beside chat completions: the same streams, in rounds in which the APIs take turns."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import psutil

from benchmark.comparison import median_of
from benchmark.load import Figures, Load, run_round
from benchmark.processes import cpu_of, parts_of
from benchmark.sharing import Plan

MEASURE = "chat"  # the API that the others are held against
HEAD = (
    "| streams | API | errors | TTFT p50 / p95 ms | chunk delay p50 / p95 ms | wall s | proxy's CPU ms per answer "
    "| beside chat: delay p50 / p95 | wall | CPU |\n|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Cost:
    """What one API showed in one round; `cpu` is the proxy's processor time for an answer, in ms, without Chrome's."""

    figures: Figures
    cpu: float


def compare_apis(load: Load, apis: Sequence[str], plan: Plan, proxy: psutil.Process) -> None:
    """Print a row for each number of streams and each API."""
    names = [MEASURE, *apis]
    print(f"\n{plan.chunks} chunks per stream, one every 20 ms; medians of {plan.rounds} rounds, of CPU the mean\n")
    print(HEAD)
    for name in names:
        run_round(replace(load, api=name, chunks=1))  # what an API loads once is no cost of an answer
    for streams in plan.counts:
        rounds: dict[str, list[Cost]] = {name: [] for name in names}
        for number in range(plan.rounds):
            # Another one begins each time, so that none always comes behind the same.
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                rounds[name].append(_measure(replace(load, api=name, streams=streams), proxy))
        costs = {name: _middle(its_rounds) for name, its_rounds in rounds.items()}
        for name in names:
            _print_row(streams, name, costs[name], costs[MEASURE])


def _measure(load: Load, proxy: psutil.Process) -> Cost:
    processes = parts_of(proxy)["python"]
    before = cpu_of(processes)
    figures = run_round(load)
    return Cost(figures, (cpu_of(processes) - before) * 1000 / load.streams)


def _middle(rounds: list[Cost]) -> Cost:
    # The system counts processor time in steps of 10 ms, which a mean evens out.
    return Cost(median_of([each.figures for each in rounds]), statistics.mean(each.cpu for each in rounds))


def _print_row(streams: int, api: str, cost: Cost, measure: Cost) -> None:
    figures, others = cost.figures, measure.figures
    print(
        f"| {streams} | {api} | {figures.errors} | {figures.first50:.0f} / {figures.first95:.0f} "
        f"| {figures.delay50:.1f} / {figures.delay95:.1f} | {figures.wall:.2f} | {cost.cpu:.1f} "
        f"| {figures.delay50 / others.delay50:.2f} / {figures.delay95 / others.delay95:.2f} "
        f"| {figures.wall / others.wall:.2f} | {cost.cpu / measure.cpu:.2f} |",
        flush=True,
    )
