"""Questions to the person at the terminal that never lose a Ctrl-C.

Python's `input` can lose one: a signal that arrives after the question is written and before the line is read takes
effect only at the next ENTER.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator

import click


def ask(question: str, default: str = "") -> str:
    """Return the line that the person types, stripped, or `default` for an empty one. Raises click.Abort."""
    return _answer(f"{question} [{default}]: " if default else f"{question}: ", _read_line) or default


def ask_hidden(question: str) -> str:
    """Return the line that the person types or pastes, without showing it. Raises click.Abort."""
    with _echo_off():  # before the question appears, because people paste as soon as they see it
        return _answer(f"{question}: ", _read_hidden_line)


def _answer(question: str, read_line: Callable[[], str]) -> str:
    try:
        click.echo(question, nl=False)
        line = read_line()
    except KeyboardInterrupt:
        line = ""
    if not line:
        click.echo()
        raise click.Abort()
    return line.strip()


if sys.platform == "win32":
    import getpass

    def _read_line() -> str:
        try:
            return input() + "\n"
        except EOFError:
            return ""

    def _read_hidden_line() -> str:
        return getpass.getpass("") + "\n"

    _echo_off = contextlib.nullcontext  # getpass does it

else:
    import termios

    def _read_line() -> str:
        """Return the next line, "" at the end of the input. Raises KeyboardInterrupt."""
        if sys.stdin.isatty():
            _await_line()
        return sys.stdin.readline()

    def _read_hidden_line() -> str:
        line = _read_line()
        if line:
            click.echo()  # the terminal did not echo the ENTER either
        return line

    @contextlib.contextmanager
    def _echo_off() -> Iterator[None]:
        attributes = termios.tcgetattr(sys.stdin)
        without_echo = [*attributes]
        without_echo[3] &= ~termios.ECHO
        # By default these signals would end the process and leave the terminal without echo.
        handlers = {number: signal.signal(number, _exit) for number in (signal.SIGTERM, signal.SIGHUP)}
        try:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, without_echo)
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, attributes)
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _exit(signal_number: int, _frame: object) -> None:
        sys.exit(128 + signal_number)

    def _await_line() -> None:
        """Wait until a line is there. Every signal wakes it, also an early one, by a byte in a pipe."""
        reader, writer = os.pipe()
        for end in (reader, writer):
            os.set_blocking(end, False)
        previous_writer = signal.set_wakeup_fd(writer)
        try:
            while sys.stdin not in select.select([sys.stdin, reader], [], [])[0]:
                os.read(reader, 64)  # the handler of this signal did not end the wait
        finally:
            signal.set_wakeup_fd(previous_writer)
            os.close(reader)
            os.close(writer)
