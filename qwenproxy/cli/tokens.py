"""Login tokens that a person types, pipes or gives with --token, and what they do to an account.

Used by the account commands and, where no window can open, by the menu. Never shows or logs a token.
"""

from __future__ import annotations

import sys

import click

from qwenproxy.accounts.account import Account
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.cli.console import Console, is_interactive, unknown_id
from qwenproxy.cli.terminal.asking import ask_hidden
from qwenproxy.logins import by_token


def add_by_token(
    console: Console, token: str, account_id: str | None = None, proxy: ProxyAddress | None = None
) -> None:
    """Register an account with this token (`-`: read it) and say so. Raises UserKnown, SetupError, click.Abort."""
    new_id = by_token.add_by_token(console.registry, _given(console, token), account_id, proxy)
    click.echo(console.say("added_by_token", id=new_id, command=console.command("account", "check", new_id)))


def renew_by_token(console: Console, account: Account, token: str) -> None:
    """Give an account this token (`-`: read it) and say so. Raises OtherUser, SetupError, click.Abort."""
    if not by_token.renew_by_token(console.registry, account, _given(console, token)):
        raise unknown_id(console, account.id)
    command = console.command("account", "check", account.id)
    click.echo(console.say("relogged_by_token", id=account.id, command=command))


def _given(console: Console, token: str) -> str:
    if token != "-":
        return token
    # Read all lines, because a token copied out of a window may have line breaks.
    return ask_hidden(console.say("token_question")) if is_interactive() else sys.stdin.read()
