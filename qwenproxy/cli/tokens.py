"""Login tokens that a person types, pipes or gives with --token, and what they do to an account.

Used by the account commands and, where no window can open, by the menu. Never shows or logs a token.
"""

from __future__ import annotations

import sys
import time

import click

from qwenproxy.accounts.account import Account, check_token, refuse_other_user
from qwenproxy.accounts.proxies import keep_proxy
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.browser.tokens import token_user
from qwenproxy.cli.console import Console, is_interactive, unknown_id
from qwenproxy.cli.terminal.asking import ask_hidden
from qwenproxy.errors import SetupError
from qwenproxy.logins.removal import abandoned_on_failure


def add_by_token(
    console: Console, token: str, account_id: str | None = None, proxy: ProxyAddress | None = None
) -> None:
    """Register an account with this token (`-`: read it) and say so. Raises UserKnown, SetupError, click.Abort.

    Its proxy is there before it counts as an account: a running server may open its browser at once.
    """
    registry, new_token = console.registry, _new_token(console, token)
    if proxy is None:
        new_id = registry.add(new_token, account_id)
    else:
        new_id = account_id or registry.new_id()
        with abandoned_on_failure(registry, new_id):
            keep_proxy(registry.folder(new_id), proxy)
            registry.add(new_token, new_id)
    click.echo(console.say("added_by_token", id=new_id, command=console.command("account", "check", new_id)))


def renew_by_token(console: Console, account: Account, token: str) -> None:
    """Give an account this token (`-`: read it) and say so. Raises OtherUser, SetupError, click.Abort."""
    new_token = _new_token(console, token)
    refuse_other_user(account, token_user(new_token), console.registry.all())
    if not console.registry.renew(account.id, new_token):
        raise unknown_id(console, account.id)
    command = console.command("account", "check", account.id)
    click.echo(console.say("relogged_by_token", id=account.id, command=command))


def _new_token(console: Console, token: str) -> str:
    """Return the token, which no account has yet. Raises SetupError unless it is new and live, click.Abort."""
    new_token = check_token(_read(console) if token == "-" else token, time.time())
    for account in console.accounts():
        if account.token == new_token:
            raise SetupError(console.say("token_known", id=account.id))
    return new_token


def _read(console: Console) -> str:
    # Read all lines, because a token copied out of a window may have line breaks.
    return ask_hidden(console.say("token_question")) if is_interactive() else sys.stdin.read()
