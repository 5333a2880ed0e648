"""A question to the person at the terminal, at which Ctrl-C is never lost.

Python's own `input` may lose it: a signal that arrives between the writing of the question and the reading of the line
waits there for the next ENTER.
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
    """Return what the person types, without space around it, or `default` for nothing. Raises click.Abort."""
    return _answer(f"{question} [{default}]: " if default else f"{question}: ", _read_line) or default


def ask_hidden(question: str) -> str:
    """Return what the person types or pastes at the terminal, which does not show it. Raises click.Abort."""
    with _echo_off():  # before the question shows: a token may be pasted as soon as it does
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

    _echo_off = contextlib.nullcontext  # getpass sees to it

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
            click.echo()  # the ENTER was not shown either
        return line

    @contextlib.contextmanager
    def _echo_off() -> Iterator[None]:
        before = termios.tcgetattr(sys.stdin)
        unseen = [*before]
        unseen[3] &= ~termios.ECHO
        # Left to themselves these would end the process and leave the terminal mute.
        handlers = {each: signal.signal(each, _exit) for each in (signal.SIGTERM, signal.SIGHUP)}
        try:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, unseen)
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
            for each, handler in handlers.items():
                signal.signal(each, handler)

    def _exit(signal_number: int, _frame: object) -> None:
        sys.exit(128 + signal_number)

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
