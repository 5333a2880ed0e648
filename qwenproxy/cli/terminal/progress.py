"""A line that tells what is going on while a person waits, and goes away when it is done. Only on a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click


class LiveLine:
    """One line of the terminal, written again and again; nothing at all where there is no terminal."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self._shown = False

    def show(self, text: str) -> None:
        """Put the text in the place of the last one."""
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            # The cursor waits at the start of the line: a log line that comes meanwhile takes its place.
            click.echo(f"\r{text[:width]}\x1b[K\r", nl=False)
            self._shown = True

    def end(self) -> None:
        """Leave an empty line behind. Idempotent."""
        if self._shown:
            click.echo("\r\x1b[K", nl=False)
            self._shown = False


@contextmanager
def live_line() -> Iterator[LiveLine]:
    """Lend a live line that is gone at the end."""
    line = LiveLine()
    try:
        yield line
    finally:
        line.end()
