"""A login from the command line: opens the window, shows the person at the terminal how it goes, words the outcome.

Stands between the account commands or the menu and logins/window.py, which watches the window.
"""

from __future__ import annotations

import contextlib
import select
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import click

from qwenproxy.accounts.account import Account, is_verify
from qwenproxy.assembly import login_window
from qwenproxy.browser.profile import ProfileInUse, profile_owner
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.cli.at_page import PageWish, log_in_at_page
from qwenproxy.cli.console import Console, is_interactive
from qwenproxy.cli.session import server_of
from qwenproxy.cli.terminal.progress import LiveLine
from qwenproxy.config import has_no_screen
from qwenproxy.errors import SetupError
from qwenproxy.logins.window import LoginFailed, LoginWindow, Step, add_account, renew_account
from qwenproxy.texts import Phrase, Speaker

LOGIN_WAIT = 600.0  # seconds a person has to log in


class NoScreen(SetupError):
    """No window can open on this machine; the message says what the person can do instead."""


def add_in_window(
    console: Console,
    account_id: str | None = None,
    login_wait: float = LOGIN_WAIT,
    proxy: ProxyAddress | None = None,
    *,
    at_page: bool = False,
) -> str:
    """Let the person log in to a new account, by its proxy from the beginning, and return its id.

    On the dashboard's page `at_page`, and where there is no screen. Raises SetupError, as NoScreen where neither works.
    """
    person = _PersonAtTerminal(console.say, console.say("login_explained"))
    with _worded_outcomes(console, account_id, console.say("nothing_added"), person):
        if at_page or has_no_screen() or _is_sandboxed(console):
            return log_in_at_page(console, PageWish(None, account_id, proxy, login_wait), person.turn_to_page)
        window = _window(console, account_id, login_wait)
        return add_account(console.registry, replace(window, proxy=proxy), person, account_id)


def relogin_in_window(
    console: Console, account: Account, login_wait: float = LOGIN_WAIT, *, at_page: bool = False
) -> None:
    """Let the person log in again to an account.

    On the dashboard's page `at_page`, where there is no screen, and where a running server has the account's profile.
    Raises SetupError, as NoScreen where neither can be.
    """
    explanations = ["login_explained", *(["verify_explained"] if is_verify(account, time.time()) else [])]
    person = _PersonAtTerminal(console.say, "\n".join(map(console.say, explanations)))
    with _worded_outcomes(console, account.id, console.say("nothing_changed", id=account.id), person):
        if at_page or has_no_screen() or _is_sandboxed(console) or _is_held_by_server(console, account):
            log_in_at_page(console, PageWish(account, login_wait=login_wait), person.turn_to_page)
            return
        window = _window(console, account.id, login_wait)
        is_proven = renew_account(console.registry, window, person, account)
    if not is_proven:
        click.echo(console.say("verify_unseen"))


def _is_sandboxed(console: Console) -> bool:
    """Tell whether the accounts are the stand-in's: only its server knows where that is."""
    return console.session.sandbox_mark.exists()


def _is_held_by_server(console: Console, account: Account) -> bool:
    is_held = profile_owner(console.registry.folder(account.id)) is not None
    return is_held and console.config.admin and server_of(console.session) is not None


def _window(console: Console, account_id: str | None, login_wait: float) -> LoginWindow:
    owner = profile_owner(console.registry.folder(account_id)) if account_id else None
    if owner is not None:
        raise ProfileInUse(Phrase("profile_held", id=account_id, pid=owner))
    window = login_window(console.config, login_wait)
    if console.config.grid_url:
        click.echo(console.say("grid_local_window"))
    return window


@contextlib.contextmanager
def _worded_outcomes(
    console: Console, account_id: str | None, unchanged: str, person: _PersonAtTerminal
) -> Iterator[None]:
    """Turn a login that failed or was cancelled into one message; `unchanged` is its last sentence."""
    try:
        with _signals_cancel():
            yield
    except LoginFailed as error:
        outcome = console.say(f"login_{error.outcome}")
        if error.outcome == "no_display":
            raise NoScreen(f"{outcome} {_without_display(console, account_id)} {unchanged}") from error
        raise SetupError(f"{outcome} {unchanged}") from error
    except KeyboardInterrupt as error:
        raise SetupError(f"{console.say('login_cancelled')} {unchanged}") from error
    finally:
        person.end()


def _without_display(console: Console, account_id: str | None) -> str:
    """Return what to do where no window can open: for an account that is here its new login, else an import."""
    take_over = console.command("account", "import", "FILE")
    if account_id and account_id in [account.id for account in console.accounts()]:
        relogin = console.command("account", "relogin", account_id, "--token -")
        return console.say("no_display_relogin", relogin=relogin, take_over=take_over)
    add = console.command("account", "add", "--token -")
    return console.say("no_display_add", add=add, take_over=take_over)


@contextlib.contextmanager
def _signals_cancel() -> Iterator[None]:
    """Let SIGTERM and SIGHUP cancel as Ctrl-C does, so that they leave no window and no half account behind."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


class _PersonAtTerminal:
    """The Person of logins/window.py: reads on a live line how the login stands, and presses ENTER or Ctrl-D."""

    def __init__(self, say: Speaker, explanation: str) -> None:
        """`explanation` appears only once the window is open, because without one it explains nothing."""
        self._say = say
        self._explanation = explanation
        self._works = "step_works"
        self._line = LiveLine()
        self._last_step: Step | None = None

    @property
    def present(self) -> bool:
        """Whether somebody can press ENTER."""
        return is_interactive()

    def show(self, step: Step, remaining: float) -> None:
        """Show the step with the remaining time (s); without a terminal only that the site wants its check."""
        if step not in ("opening", "closing") and self._explanation:
            self.end()
            click.echo(self._explanation)
            self._explanation = ""
        key = self._works if step == "works" else f"step_{step}"
        text = self._say(key, left=f"{int(remaining) // 60}:{int(remaining) % 60:02}")
        if self._line.live:
            self._line.show(text)
        elif step == "verification" != self._last_step:
            click.echo(text)
        self._last_step = step

    def pause(self, seconds: float) -> bool:
        """Wait for ENTER, at most `seconds`; return whether it came. Raises KeyboardInterrupt at Ctrl-D."""
        if not is_interactive():
            time.sleep(seconds)
            return False
        if not _is_key_pressed(seconds):
            return False
        if not sys.stdin.readline():
            raise KeyboardInterrupt
        return True

    def turn_to_page(self, explanation: str) -> _PersonAtTerminal:
        """Explain the page in the window's place; return this person."""
        self._explanation, self._works = explanation, "page_login_works"
        return self

    def end(self) -> None:
        """Erase the live line."""
        self._line.end()


if sys.platform == "win32":
    import msvcrt

    def _is_key_pressed(seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not msvcrt.kbhit():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

else:

    def _is_key_pressed(seconds: float) -> bool:
        return bool(select.select([sys.stdin], [], [], seconds)[0])
