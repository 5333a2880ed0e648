"""What the commands for people share: settings, accounts, language, and how they ask and list.

Used by the account commands, the menu and the doctor. Knows the terminal; must not know browsers or the site.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import click

from qwenproxy.accounts.account import Account, is_verify
from qwenproxy.accounts.registry import Registry
from qwenproxy.cli.session import served_below
from qwenproxy.cli.settings import command_line
from qwenproxy.cli.terminal.asking import ask
from qwenproxy.cli.terminal.suggestions import closest
from qwenproxy.config import Config
from qwenproxy.disk.cached import stamp
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.observe import logs
from qwenproxy.texts import Speaker, speaker

ICONS = {"OK": "✅", "WAIT": "⏳", "INVALID": "❌"}


@dataclass(frozen=True)
class Console:
    """The settings of one command, its language, and the accounts."""

    config: Config
    say: Speaker

    @property
    def session(self) -> SessionFolder:
        """The folder of all state."""
        return SessionFolder(self.config.session_dir)

    @functools.cached_property
    def registry(self) -> Registry:
        """The accounts on disk. Its first change creates a missing session folder."""
        return Registry(self.session)

    def command(self, group: str, *words: str) -> str:
        """Return a command line that uses the same session folder."""
        return command_line(self.config, group, *words)

    def accounts(self) -> tuple[Account, ...]:
        """Return the accounts. Raises SetupError."""
        return self.registry.all()


def open_console(config: Config) -> Console:
    """Return the console for these settings. Raises SetupError."""
    # These commands show their progress themselves, so the log shows only warnings unless the person set its level.
    logs.configure("warning" if config.set_by.get("LOG_LEVEL") == "default" else config.log_level, config.log_format)
    console = Console(config, speaker(config.lang))
    # An unusable folder fails at once, before anything else is said.
    if stamp(console.session.root):
        console.registry.prepare()
    console.accounts()
    return console


def is_interactive() -> bool:
    """Tell whether a person can answer questions."""
    return sys.stdin is not None and sys.stdin.isatty()


def status_text(account: Account, say: Speaker, now: float) -> str:
    """Return icon and status of an account (`now` in s since 1970), with what explains a rest."""
    status = account.status(now)
    text = f"{ICONS[status]} {status}"
    if status != "WAIT" or account.reset_at is None:
        return text
    until = datetime.fromtimestamp(account.reset_at).strftime("%Y-%m-%d %H:%M")
    text = f"{text} ({say('until_verify' if is_verify(account, now) else 'until', moment=until)})"
    return f"{text}: {say(account.trouble.key, **account.trouble.values)}" if account.trouble else text


def table(accounts: Sequence[Account], say: Speaker, now: float) -> str:
    """Return the accounts as lines `N | ID | status` (`now` in s since 1970)."""
    width = max([len(account.id) for account in accounts] + [2])
    rows = [f"{'N':>2} | {'ID':<{width}} | {say('column_status')}"]
    for number, account in enumerate(accounts, 1):
        rows.append(f"{number:>2} | {account.id:<{width}} | {status_text(account, say, now)}")
    return "\n".join(rows)


def find_account(console: Console, account_id: str) -> Account:
    """Return the account with that id. Raises SetupError with the closest id."""
    accounts = console.accounts()
    for account in accounts:
        if account.id == account_id:
            return account
    raise unknown_id(console, account_id)


def unknown_id(console: Console, account_id: str) -> SetupError:
    """Return the error for an id that no account has, with the closest id and a hint at the sandbox's folder."""
    close = closest(account_id, [account.id for account in console.accounts()])
    if close:
        message = console.say("no_account_close", id=account_id, close=close)
    else:
        message = console.say("no_account", id=account_id, command=console.command("account", "list"))
    return SetupError(_with_hint(console, message))


def no_accounts(console: Console) -> str:
    """Return the message for a session folder without accounts, with a hint where a server uses the sandbox's."""
    folder, command = console.config.session_dir, console.command("account", "add")
    return _with_hint(console, console.say("no_accounts", folder=folder, command=command))


def _with_hint(console: Console, message: str) -> str:
    """Return a message, with a hint where a server uses the sandbox's folder."""
    hint = served_below(console.config, console.say)
    return f"{message}\n{hint}" if hint else message


def choose_account(
    console: Console, accounts: Sequence[Account], question: str, default: Account | None = None
) -> Account | None:
    """Ask for one of these accounts, by number or id; return None when the person wants none. Raises click.Abort."""
    default_id = default.id if default else ""
    while True:
        answer = ask(console.say(question), default_id)
        if answer in ("", "0"):
            return None
        for number, account in enumerate(accounts, 1):
            if answer in (account.id, str(number)):
                return account
        click.echo(unknown_id(console, answer).message)


def is_confirmed(question: str) -> bool:
    """Ask a yes-or-no question; return False for anything but yes. Raises click.Abort."""
    return ask(question).casefold() in ("y", "yes", "д", "да")
