"""The store alone: a process writes, is killed at a random point, and what it leaves is checked."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from kill_store.model import Changes, Model, Wrong, check
from kill_store.writing import CONFIRMED, write_until_killed

LIFE = 25  # kills until an empty database takes the old one's place, so that its making is hit, too
LONGEST = 0.2  # seconds from the start of a writer to its end
EARLIEST = 0.01  # seconds: within these a fifth of the writers end, while they open the database


def kill_writers(kills: int, seed: int) -> Counter[str]:
    """Kill so many writers; return what was seen. Raises Wrong."""
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    for number in range(kills):
        if number % LIFE == 0:
            folder = tempfile.TemporaryDirectory(prefix="qwenproxy-kills-")
            model = Model()
        path = Path(folder.name) / "state.db"
        delay = chance.uniform(0, EARLIEST if chance.random() < 0.2 else LONGEST)
        try:
            pending = _kill_writer(path, model, chance.getrandbits(32), delay, counts)
            check(path, model, pending, counts)
        except Wrong as error:
            raise Wrong(f"kill {number} with --seed {seed}, {delay:.4f} s after the start: {error}") from error
        counts["kills"] += 1
    folder.cleanup()
    return counts


def _kill_writer(path: Path, model: Model, seed: int, delay: float, counts: Counter[str]) -> dict[int, Changes]:
    """Let a process write for `delay` seconds and kill it; return the change that each of its threads was at.

    What it confirmed goes into the model.
    """
    reading, writing = os.pipe()
    process_id = os.fork()
    if not process_id:
        os.close(reading)
        try:
            write_until_killed(path, model, seed, writing)
        finally:
            os._exit(1)
    os.close(writing)
    with open(reading, "rb", buffering=0) as lines:
        text = _read_for(lines.fileno(), delay)
        os.kill(process_id, signal.SIGKILL)
        text += lines.read()
    _, status = os.waitpid(process_id, 0)
    if not os.WIFSIGNALED(status):
        raise Wrong("the writer failed by itself")
    return _follow(text, model, counts)


def _read_for(pipe: int, seconds: float) -> bytes:
    """Return what comes within a time, so that the writer never waits for a reader."""
    text = b""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            text += os.read(pipe, 1 << 20)
    return text


def _follow(text: bytes, model: Model, counts: Counter[str]) -> dict[int, Changes]:
    pending: dict[int, Changes] = {}
    lines = text.split(b"\n")[:-1]  # the last one is cut off, or empty
    for kind, thread, changes in map(json.loads, lines):
        if kind == CONFIRMED:
            model.confirm(thread, changes or pending[thread])
            del pending[thread]
            counts["changes confirmed"] += 1
        else:
            pending[thread] = changes
    if not lines:
        counts["kills before the first change"] += 1
    return pending
