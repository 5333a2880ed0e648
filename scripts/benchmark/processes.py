"""Processor time and memory of the proxy's processes, by the part they play."""

from __future__ import annotations

from contextlib import suppress

import psutil

Parts = dict[str, list[psutil.Process]]


def parts_of(process: psutil.Process) -> Parts:
    """Return the process and its descendants, by part."""
    parts: Parts = {"python": [], "chromedriver": [], "chrome": []}
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.Error):
            parts[_part(each.name())].append(each)
    return parts


def kill_python(process: psutil.Process) -> None:
    """Kill all Python of the process and its descendants at once, as the system does where memory runs out."""
    for each in parts_of(process)["python"]:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def _part(name: str) -> str:
    if "chromedriver" in name:
        return "chromedriver"
    return "chrome" if "chrom" in name else "python"


def cpu_of(processes: list[psutil.Process]) -> float:
    """Return the processor time of the processes so far, in seconds."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def memory_of(parts: Parts) -> dict[str, float]:
    """Return the proportional set size of each part, in MiB."""
    return {part: _pss(processes) for part, processes in parts.items()}


def memory_text(process: psutil.Process) -> str:
    """Return the memory of a process and its descendants in words."""
    sizes = memory_of(parts_of(process))
    words = ", ".join(f"{part} {size:.0f}" for part, size in sizes.items())
    return f"{sum(sizes.values()):.0f} MiB ({words})"


def _pss(processes: list[psutil.Process]) -> float:
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 2**20
