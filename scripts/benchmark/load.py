"""One round of streams, in a process of its own, so that the load generator shares no lock with what measures it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from benchmark.direct import load_directly
from benchmark.proxied import load_through_proxy
from benchmark.streams import STREAM_WAIT, Stream


@dataclass(frozen=True)
class Load:
    """What one round asks, and where: the stand-in's URL and a token for it, the proxy's port and its wire API."""

    base_url: str
    token: str
    port: int
    way: str = "proxied"
    streams: int = 1
    chunks: int = 1
    api: str = "chat"


@dataclass(frozen=True)
class Figures:
    """What one round showed: `wall` in seconds, all else in ms. The numbers in names are percentiles."""

    errors: int
    wall: float
    first50: float
    first95: float
    chat50: float
    delay50: float
    delay95: float


def run_round(load: Load) -> Figures:
    """Run one round in a process of its own. Exits with that process's error if it fails."""
    command = [sys.executable, "-m", "benchmark", "--load", json.dumps(asdict(load))]
    process = subprocess.run(command, capture_output=True, text=True, timeout=STREAM_WAIT + 60, check=False)
    if process.returncode:
        raise SystemExit(process.stderr)
    return Figures(**json.loads(process.stdout))


def print_round(text: str) -> None:
    """Run the round that the JSON text describes, in this process, and print its figures as JSON."""
    load = Load(**json.loads(text))
    begun = time.monotonic()
    streams = asyncio.run(_streams(load))
    print(json.dumps(asdict(_figures(load, streams, time.monotonic() - begun))))


async def _streams(load: Load) -> list[Stream]:
    prompt = f"{{{{stream chunks={load.chunks} interval_ms=20 stamp=1}}}}"
    if load.way == "direct":
        return await load_directly(load.base_url, load.token, load.streams, prompt)
    return await load_through_proxy(load.port, load.streams, prompt, load.api)


def _figures(load: Load, streams: list[Stream], wall: float) -> Figures:
    good = [stream for stream in streams if stream.complete(load.chunks)]
    delays = sorted(delay for stream in good for delay in stream.delays)
    firsts = sorted(stream.first for stream in good)
    return Figures(
        errors=len(streams) - len(good),
        wall=wall,
        first50=_quantile(firsts, 0.5),
        first95=_quantile(firsts, 0.95),
        chat50=_quantile(sorted(stream.chat for stream in good), 0.5),
        delay50=_quantile(delays, 0.5),
        delay95=_quantile(delays, 0.95),
    )


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
