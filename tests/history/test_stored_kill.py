"""kill -9 amid the writes of every store; scripts/kill-store does it a thousand times."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
KILLS = 12


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("store", ["--kills", "--file-kills"], ids=["the database", "the files"])
def test_what_was_confirmed_survives_and_nothing_is_half(store: str) -> None:
    counts = {"--kills": 0, "--file-kills": 0, "--server-kills": 0, store: KILLS}
    # In a process of its own, because it forks and this one may have threads.
    done = subprocess.run(
        [sys.executable, "-m", "kill_store", *(word for row in counts.items() for word in map(str, row))],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(rf"\b{KILLS} kills", done.stdout)
    assert int(re.findall(r"(\d+) changes confirmed", done.stdout)[0]) > 0, "every writer was killed too early"
