"""Start a program of ours, a browser, its driver or its screen, with what it says in a file for its owner alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from qwenproxy.browser.own_session import OUT_OF_REACH
from qwenproxy.browser.start_failures import Started, cannot_run


def start_program(
    line: Sequence[str], output: Path, environment: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
) -> Started:
    """Return the running program of a command line; `environment` None is our own. Raises BrowserError, OSError."""
    with open(output, "wb", opener=private) as log_file:
        try:
            # Ctrl-C in the terminal is for the server, which then closes the browser.
            process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                env=environment,
                pass_fds=pass_fds,
                **OUT_OF_REACH,
            )
        except OSError as error:
            raise cannot_run(line[0], error) from error
    return Started(line[0], process, output)


def private(path: str, flags: int) -> int:
    """Open a file that only its owner may read, as an `opener`."""
    return os.open(path, flags, 0o600)
