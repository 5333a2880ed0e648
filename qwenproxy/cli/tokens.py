"""Login tokens as a person hands them over: typed unseen, piped, or behind --token; and what they do to an account.

Used by the account commands and, where no window can open, by the menu. A token is never shown or logged.
"""

from __future__ import annotations

import sys
import time

import click

from qwenproxy.accounts.account import Account, check_token, clean_token, iso_text, refuse_other_user
from qwenproxy.browser.tokens import token_expiry, token_user
from qwenproxy.cli.console import Console, is_interactive, unknown_id
from qwenproxy.cli.terminal.asking import ask_hidden
from qwenproxy.errors import SetupError


def add_by_token(console: Console, token: str, account_id: str | None = None) -> None:
    """Register an account with this token (`-`: read it) and say so. Raises UserKnown, SetupError, click.Abort."""
    added = console.registry.add(_live_token(console, token), account_id)
    click.echo(console.say("added_by_token", id=added, command=console.command("account", "check", added)))


def renew_by_token(console: Console, known: Account, token: str) -> None:
    """Give an account this token (`-`: read it) and say so. Raises OtherUser, SetupError, click.Abort."""
    new = _live_token(console, token)
    refuse_other_user(known, token_user(new), console.registry.all())
    if not console.registry.renew(known.id, new):
        raise unknown_id(console, known.id)
    command = console.command("account", "check", known.id)
    click.echo(console.say("relogged_by_token", id=known.id, command=command))


def _live_token(console: Console, token: str) -> str:
    """Return a token that is one, has not expired, and that no account has yet. Raises SetupError, click.Abort."""
    text = clean_token(_read(console) if token == "-" else token)
    try:
        check_token(text, time.time())
    except SetupError as error:
        expires_at = token_expiry(text)
        if expires_at is None:
            raise SetupError(console.say("token_malformed")) from error
        raise SetupError(console.say("token_expired", moment=iso_text(expires_at))) from error
    for known in console.accounts():
        if known.token == text:
            raise SetupError(console.say("token_known", id=known.id))
    return text


def _read(console: Console) -> str:
    # All of it, because a token that was copied out of a window may be cut into lines.
    return ask_hidden(console.say("token_question")) if is_interactive() else sys.stdin.read()
