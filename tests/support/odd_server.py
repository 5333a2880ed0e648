"""`qwenproxy start` on a machine whose clock jumps, and with little patience: for tests that cannot wait for either.

Run as a program: the first argument is a file that holds by how many seconds the clock is wrong at the moment.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

DRAIN = 4.0  # seconds that running answers get when the server is told to stop
SEND_WAIT = 2.0  # seconds that a client gets who takes nothing of its answer
KEEP_ALIVE_AFTER = 2  # seconds of silence until a sign of life


def odd_command(session_dir: Path, seconds: int = 0) -> list[str]:
    """Return what the interpreter has to run for the server over `session_dir`; the clock goes wrong by `seconds`."""
    shift_clock(session_dir, seconds)
    return [__file__, str(_shift_file(session_dir))]


def shift_clock(session_dir: Path, seconds: int) -> None:
    """Let the clock of that server be wrong by so many seconds from now on."""
    unfinished = _shift_file(session_dir).with_suffix(".new")
    unfinished.write_text(str(seconds))
    unfinished.replace(_shift_file(session_dir))


def _shift_file(session_dir: Path) -> Path:
    return session_dir.with_name(f"{session_dir.name}.clock")


def shifted(clock: Callable[[], float], file: Path, unit: int) -> Callable[[], float]:
    """Return a clock that is wrong by what `file` says."""
    return lambda: clock() + unit * int(file.read_text())


def main(file: Path, options: list[str]) -> None:
    """Spoil the clock, before anybody takes hold of it, and serve with these options."""
    time.time = shifted(time.time, file, 1)
    time.time_ns = shifted(time.time_ns, file, 10**9)  # type: ignore[assignment]
    from qwenproxy import cli, server  # noqa: PLC0415 - after the clock
    from qwenproxy.api import answering  # noqa: PLC0415
    from qwenproxy.wsgi import client  # noqa: PLC0415

    answering.KEEP_ALIVE_AFTER = KEEP_ALIVE_AFTER
    client.SEND_WAIT = SEND_WAIT
    server.DRAIN = DRAIN
    sys.argv[1:] = ["start", *options]
    cli.main()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
