"""A question to the person at the terminal, at which Ctrl-C is never lost.

Python's own `input` may lose it: a signal that arrives between the writing of the question and the reading of the line
waits there for the next ENTER.
"""

from __future__ import annotations

import os
import select
import signal
import sys

import click


def ask(question: str, default: str = "") -> str:
    """Return what the person types, without space around it, or `default` for nothing. Raises click.Abort."""
    try:
        click.echo(f"{question} [{default}]: " if default else f"{question}: ", nl=False)
        line = _read_line()
    except KeyboardInterrupt:
        line = ""
    if not line:
        click.echo()
        raise click.Abort()
    return line.strip() or default


if sys.platform == "win32":

    def _read_line() -> str:
        try:
            return input() + "\n"
        except EOFError:
            return ""

else:

    def _read_line() -> str:
        """Return the next line, "" at the end of the input. Raises KeyboardInterrupt."""
        if sys.stdin.isatty():
            _await_line()
        return sys.stdin.readline()

    def _await_line() -> None:
        """Wait until a line is there, awake for signals: each leaves a byte in a pipe, however early it comes."""
        heard, told = os.pipe()
        for end in (heard, told):
            os.set_blocking(end, False)
        before = signal.set_wakeup_fd(told)
        try:
            while sys.stdin not in select.select([sys.stdin, heard], [], [])[0]:
                os.read(heard, 64)  # a signal whose handler let us go on
        finally:
            signal.set_wakeup_fd(before)
            os.close(heard)
            os.close(told)
