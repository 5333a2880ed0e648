"""Stores alone: a process writes, is killed at a random point, and what it leaves is checked."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kill_store.file_stores import change_files_until_killed, check_files
from kill_store.model import Changes, Model, Wrong, check
from kill_store.writing import CONFIRMED, write_until_killed

LIFE = 25  # kills until an empty store takes the old one's place, so that its making is hit, too
LONGEST = 0.15  # seconds from a writer's first change to its end
EARLY = 0.02  # seconds from its start in which a fifth of the writers end, while they open the store
START_WAIT = 60.0  # seconds until its first change, on a machine with other work to do


@dataclass(frozen=True)
class Moment:
    """When a writer is killed: so many seconds after its first change, or after its start if it `is_early`."""

    delay: float
    is_early: bool


@dataclass(frozen=True)
class Target:
    """What is written to and killed: its name in a folder, what changes it for ever, and what looks at the rest."""

    name: str
    write: Callable[[Path, Model, int, int], None]
    check: Callable[[Path, Model, dict[int, Changes], Counter[str]], None]


DATABASE = Target("state.db", write_until_killed, check)
FILES = Target("session", change_files_until_killed, check_files)


def kill_writers(target: Target, kills: int, seed: int) -> Counter[str]:
    """Kill so many writers; return what was seen. Raises Wrong."""
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    for number in range(kills):
        if number % LIFE == 0:
            folder = tempfile.TemporaryDirectory(prefix="qwenproxy-kills-")
            model = Model()
        path = Path(folder.name) / target.name
        is_early = chance.random() < 0.2
        moment = Moment(chance.uniform(0, EARLY if is_early else LONGEST), is_early)
        try:
            text = _kill_writer(partial(target.write, path, model, chance.getrandbits(32)), moment)
            target.check(path, model, _follow(text, model, counts), counts)
        except Wrong as error:
            raise Wrong(f"kill {number} with --seed {seed}, {moment}: {error}") from error
        counts["kills"] += 1
    folder.cleanup()
    return counts


def _kill_writer(write: Callable[[int], None], moment: Moment) -> bytes:
    """Let a process write, kill it, and return what it told; `write` gets the pipe to tell it to."""
    reading, writing = os.pipe()
    process_id = os.fork()
    if not process_id:
        os.close(reading)
        try:
            write(writing)
        finally:
            os._exit(1)
    os.close(writing)
    with open(reading, "rb", buffering=0) as lines:
        text = b"" if moment.is_early else _read_for(lines.fileno(), START_WAIT, until_some=True)
        text += _read_for(lines.fileno(), moment.delay)
        os.kill(process_id, signal.SIGKILL)
        text += lines.read()
    _, status = os.waitpid(process_id, 0)
    if not os.WIFSIGNALED(status):
        raise Wrong("the writer failed by itself")
    return text


def _read_for(pipe: int, seconds: float, *, until_some: bool = False) -> bytes:
    """Return what comes within a time, or the first of it, so that the writer never waits for a reader."""
    text = b""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            data = os.read(pipe, 1 << 20)
            text += data
            if not data or until_some:
                break
    return text


def _follow(text: bytes, model: Model, counts: Counter[str]) -> dict[int, Changes]:
    """Put what a writer confirmed into the model; return the change that each of its threads was at."""
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
