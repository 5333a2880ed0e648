"""Ends the browsers of a server that was killed: a process that waits for the server's end, however it comes.

Started by the server beside itself. Until then it is a shell that reads from a pipe, which costs next to nothing; run
as a program it ends what has no owner any more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from qwenproxy.browser.profile import end_orphans
from qwenproxy.disk.folder import SessionFolder

WAIT_FOR_THE_END = 'read _; exec "$0" -m qwenproxy.browser.guard "$1"'


def guard_browsers(session: SessionFolder) -> None:
    """Have the browsers of a session folder ended once this process has ended; on Windows a new start does it.

    Called once in the process that will own the browsers, before the first of them.
    """
    if sys.platform == "win32":
        return
    waiting, _held = os.pipe()  # the other end stays open as long as this process lives, and nobody else has it
    subprocess.Popen(
        ["/bin/sh", "-c", WAIT_FOR_THE_END, sys.executable, str(session.root.resolve())],
        stdin=waiting,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(waiting)


if __name__ == "__main__":
    end_orphans(SessionFolder(Path(sys.argv[1])))
