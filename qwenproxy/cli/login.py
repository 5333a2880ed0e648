"""A login as the command line offers it: the window opened, its person told what happens, each outcome in words.

Stands between the account commands or the menu and logins/window.py, which watches the window.
"""

from __future__ import annotations

import contextlib
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator

import click

from qwenproxy.accounts.account import Account, is_verify
from qwenproxy.assembly import login_window
from qwenproxy.browser.profile import ProfileInUse, profile_owner
from qwenproxy.cli.console import Console, is_interactive, profile_in_use
from qwenproxy.config import display_name
from qwenproxy.errors import SetupError
from qwenproxy.logins.window import LoginFailed, LoginWindow, Step, add_account, renew_account
from qwenproxy.texts import Speaker

LOGIN_WAIT = 600.0  # seconds a person gets to log in


class NoScreen(SetupError):
    """No window can open on this machine; the message says what else can be done."""


def add_in_window(console: Console, account_id: str | None = None, login_wait: float = LOGIN_WAIT) -> str:
    """Let the person log in to a new account and return its id.

    Raises SetupError, as NoScreen where no window can open.
    """
    line = _LiveLine(console.say, console.say("login_explained"))
    with _outcomes(console, account_id, console.say("nothing_added"), line):
        window = _window(console, account_id, login_wait)
        return add_account(console.registry, window, line, account_id)


def relogin_in_window(console: Console, account: Account, login_wait: float = LOGIN_WAIT) -> None:
    """Let the person log in to a known account again.

    Raises SetupError, as NoScreen where no window can open.
    """
    explained = ["login_explained", *(["verify_explained"] if is_verify(account, time.time()) else [])]
    line = _LiveLine(console.say, "\n".join(map(console.say, explained)))
    with _outcomes(console, account.id, console.say("nothing_changed", id=account.id), line):
        window = _window(console, account.id, login_wait)
        proven = renew_account(console.registry, window, line, account)
    if not proven:
        click.echo(console.say("verify_unseen"))


def _window(console: Console, account_id: str | None, login_wait: float) -> LoginWindow:
    if sys.platform.startswith("linux") and not display_name():
        raise LoginFailed("no_display")
    if account_id and profile_owner(console.registry.folder(account_id)) is not None:
        raise profile_in_use(console, account_id)
    return login_window(console.config, login_wait)


@contextlib.contextmanager
def _outcomes(console: Console, account_id: str | None, unchanged: str, line: _LiveLine) -> Iterator[None]:
    """Turn every way a login can end without success into one message; `unchanged` says that nothing was done."""
    try:
        with _every_end_cancels():
            yield
    except LoginFailed as error:
        said = console.say(f"login_{error.outcome}")
        if error.outcome == "no_display":
            raise NoScreen(f"{said} {_without_display(console, account_id)} {unchanged}") from error
        raise SetupError(f"{said} {unchanged}") from error
    except ProfileInUse as error:
        raise profile_in_use(console, account_id or "") from error
    except KeyboardInterrupt as error:
        raise SetupError(f"{console.say('login_cancelled')} {unchanged}") from error
    finally:
        line.end()


def _without_display(console: Console, account_id: str | None) -> str:
    """Return how an account is added, or a known one logged in to again, where no window can open."""
    if account_id and account_id in [one.id for one in console.accounts()]:
        return console.say("no_display_relogin", relogin=console.command("account", "relogin", account_id, "--token -"))
    add, take_over = console.command("account", "add", "--token -"), console.command("account", "import", "DIR")
    return console.say("no_display_add", add=add, take_over=take_over)


@contextlib.contextmanager
def _every_end_cancels() -> Iterator[None]:
    """Let SIGTERM, and a terminal that is closed, cancel as Ctrl-C does: the window goes and nothing stays behind."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _LiveLine:
    """How a login stands, on one line that is written again and again; the Person of logins/window.py.

    `explanation` comes before it once the window is there: whoever gets none needs not read what to do in it.
    """

    def __init__(self, say: Speaker, explanation: str) -> None:
        self._say = say
        self._explanation = explanation
        self._live = sys.stdout.isatty()
        self._shown: Step | None = None

    @property
    def present(self) -> bool:
        """Whether there is somebody who can press ENTER."""
        return is_interactive()

    def show(self, step: Step, remaining: float) -> None:
        """Tell how it stands, on a terminal with the time that is left."""
        if step not in ("opening", "closing") and self._explanation:
            self.end()
            click.echo(self._explanation)
            self._explanation = ""
        text = self._say(f"step_{step}", left=f"{int(remaining) // 60}:{int(remaining) % 60:02}")
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r{text[:width]}\x1b[K", nl=False)
        elif step == "verification" != self._shown:
            click.echo(text)
        self._shown = step

    def pause(self, seconds: float) -> bool:
        """Wait, no longer than until ENTER is pressed; True when it was. Raises KeyboardInterrupt at Ctrl-D."""
        if not is_interactive():
            time.sleep(seconds)
            return False
        if not _key_waits(seconds):
            return False
        if not sys.stdin.readline():
            raise KeyboardInterrupt
        return True

    def end(self) -> None:
        """Leave an empty line behind."""
        if self._live and self._shown:
            click.echo("\r\x1b[K", nl=False)


if sys.platform == "win32":
    import msvcrt

    def _key_waits(seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not msvcrt.kbhit():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

else:

    def _key_waits(seconds: float) -> bool:
        return bool(select.select([sys.stdin], [], [], seconds)[0])
