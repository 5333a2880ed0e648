"""End the browsers of a killed server: a process of its own waits for the server's end, however it comes.

The server starts it. It is a shell that reads from a pipe, which costs next to nothing; at the end of the pipe it runs
this module as a program, which ends the browsers without an owner.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from qwenproxy.browser.profile import end_orphans
from qwenproxy.disk.folder import SessionFolder

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds until an ended guard starts again
WAIT_FOR_THE_END = 'read _; exec "$0" -m qwenproxy.browser.guard "$1"'


def guard_browsers(session: SessionFolder) -> None:
    """Start the process that ends the browsers of a session folder after this one; on Windows the next start does it.

    Call it once, in the process that will own the browsers, before the first of them.
    """
    if sys.platform == "win32":
        return
    read_end, _write_end = os.pipe()  # only this process has the write end, open for as long as it lives
    guard = _start(session, read_end)
    threading.Thread(target=_keep, args=(guard, session, read_end), name="guard", daemon=True).start()


def _keep(guard: subprocess.Popen[bytes], session: SessionFolder, read_end: int) -> None:
    """Start the guard anew whenever somebody ended it."""
    while True:
        guard.wait()
        log.warning(
            "the process that ends browsers after a killed server ended (%s): it starts again", guard.returncode
        )
        time.sleep(PAUSE)
        try:
            guard = _start(session, read_end)
        except OSError as error:
            log.warning("it does not start (%s): the next start of the server ends what this one may leave", error)
            return


def _start(session: SessionFolder, read_end: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", WAIT_FOR_THE_END, sys.executable, str(session.root.resolve())],
        stdin=read_end,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


if __name__ == "__main__":
    end_orphans(SessionFolder(Path(sys.argv[1])))
