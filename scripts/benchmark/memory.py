"""The memory of the proxy's parts over many requests."""

from __future__ import annotations

import asyncio
import statistics
import time

import psutil

from benchmark.processes import memory_of, parts_of
from benchmark.proxied import load_through_proxy

AT_ONCE = 8
CHUNKS = 5
PROMPT = f"{{{{stream chunks={CHUNKS} interval_ms=1 stamp=1}}}}"

Point = tuple[int, dict[str, float]]  # requests so far, and MiB by part


def watch_memory(port: int, requests: int, proxy: psutil.Process) -> None:
    """Send many short requests and print how the memory of each part changes over them."""
    rounds = max(10, requests // 20 // AT_ONCE)
    count, errors = 0, 0
    points: list[Point] = []
    begun = time.monotonic()
    print("\n| requests | python MiB | chromedriver MiB | chrome MiB |\n|---|---|---|---|")
    while count < requests:
        errors += sum(_send_some(port) for _ in range(rounds))
        count += rounds * AT_ONCE
        sizes = memory_of(parts_of(proxy))
        points.append((count, sizes))
        print(f"| {count} | " + " | ".join(f"{size:.1f}" for size in sizes.values()) + " |", flush=True)
    print(f"\n{count} requests in {time.monotonic() - begun:.0f} s, {errors} errors")
    _print_slopes(points[len(points) // 4 :])


def _print_slopes(points: list[Point]) -> None:
    for part in points[0][1]:
        slope, _ = statistics.linear_regression([count for count, _ in points], [sizes[part] for _, sizes in points])
        print(f"{part}: {slope * 1000:+.2f} MiB per 1,000 requests, after the first quarter")


def _send_some(port: int) -> int:
    """Send some requests at once and return how many failed."""
    streams = asyncio.run(load_through_proxy(port, AT_ONCE, PROMPT))
    return sum(not stream.complete(CHUNKS) for stream in streams)
