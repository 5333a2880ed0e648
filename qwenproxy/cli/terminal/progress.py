"""A line that shows a waiting person what goes on, and disappears at the end. Only on a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click


class LiveLine:
    """One line of the terminal, written again and again; without a terminal it writes nothing."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self._is_shown = False

    def show(self, text: str) -> None:
        """Replace the text of the line."""
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            # Leave the cursor at the start of the line, so that a log line overwrites it.
            click.echo(f"\r{text[:width]}\x1b[K\r", nl=False)
            self._is_shown = True

    def end(self) -> None:
        """Erase the line. Idempotent."""
        if self._is_shown:
            click.echo("\r\x1b[K", nl=False)
            self._is_shown = False


@contextmanager
def live_line() -> Iterator[LiveLine]:
    """Lend a live line and erase it at the end."""
    line = LiveLine()
    try:
        yield line
    finally:
        line.end()
