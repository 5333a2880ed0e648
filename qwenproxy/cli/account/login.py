"""`qwenproxy account add` and `account relogin`: log in, in a window or by a token."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from qwenproxy.accounts.account import Account, needs_person, refuse_taken_id
from qwenproxy.cli.account.proxy import read_proxy
from qwenproxy.cli.console import (
    Console,
    choose_account,
    find_account,
    is_interactive,
    no_accounts,
    open_console,
    table,
)
from qwenproxy.cli.login import LOGIN_WAIT, add_in_window, relogin_in_window
from qwenproxy.cli.session import late_session_option
from qwenproxy.cli.terminal.help import Command, option
from qwenproxy.cli.tokens import add_by_token, renew_by_token
from qwenproxy.config import Config
from qwenproxy.errors import NoUsableAccount

RELOGIN_EXAMPLES = "qwenproxy account relogin\nqwenproxy account relogin acc_1 --token - <token.txt"
wait_option = option(
    "--wait", "login_wait", type=click.FloatRange(min=1), default=LOGIN_WAIT, metavar="SECONDS", help="help_wait"
)

page_option = option("--page", "at_page", is_flag=True, help="help_login_page")


@click.command(
    "add",
    cls=Command,
    help="help_account_add",
    epilog="qwenproxy account add\nqwenproxy account add --token - <token.txt",
)
@option("--token", metavar="TOKEN", help="help_add_token")
@option("--id", "account_id", metavar="ID", help="help_add_id")
@option("--proxy", "proxy_url", metavar="URL", help="help_add_proxy")
@page_option
@wait_option
@late_session_option
@click.pass_obj
def add_command(
    config: Config, /, token: str | None, account_id: str | None, proxy_url: str | None, **ways: Any
) -> None:
    """Add an account by a login window or a token."""
    console = open_console(config)
    _refuse_bad_id(console, account_id)
    if token == proxy_url == "-":
        raise click.UsageError(console.say("add_two_hidden"))
    proxy = read_proxy(console, proxy_url) if proxy_url is not None else None
    if token is None:
        new_id = add_in_window(console, account_id, ways["login_wait"], proxy, at_page=ways["at_page"])
        click.echo(console.say("added", id=new_id))
    else:
        add_by_token(console, token, account_id, proxy)


@click.command("relogin", cls=Command, help="help_account_relogin", epilog=RELOGIN_EXAMPLES)
@click.argument("account_id", metavar="[ID]", required=False)
@option("--token", metavar="TOKEN", help="help_relogin_token")
@page_option
@wait_option
@late_session_option
@click.pass_obj
def relogin_command(
    config: Config, account_id: str | None, token: str | None, login_wait: float, at_page: bool
) -> None:
    """Log in again to the named account, or to the one that needs it."""
    console = open_console(config)
    if token is not None:
        renew_by_token(console, find_account(console, account_id) if account_id else _owner_of_token(console), token)
        return
    account = find_account(console, account_id) if account_id else _account_to_relogin(console)
    if account is not None:
        relogin_in_window(console, account, login_wait, at_page=at_page)
        click.echo(console.say("relogged", id=account.id))


def _refuse_bad_id(console: Console, account_id: str | None) -> None:
    """Raise what the registry would raise, but before it creates the session folder and before a window opens."""
    if account_id is not None:
        refuse_taken_id(account_id, console.accounts())


def _account_to_relogin(console: Console) -> Account | None:
    """Return the account that needs a login, or the one that the person chooses; None for none."""
    accounts, now = console.accounts(), time.time()
    if not accounts:
        raise NoUsableAccount(no_accounts(console))
    candidates = [one for one in accounts if needs_person(one, now)]
    if is_interactive() and len(candidates) != 1:
        return _choose(console, candidates or accounts, now)
    if not candidates:
        click.echo(console.say("relogin_none"))
        return None
    return candidates[0]


def _owner_of_token(console: Console) -> Account:
    """Return the only account that needs a login. Raises NoUsableAccount, UsageError when it is not the only one."""
    accounts, now = console.accounts(), time.time()
    if not accounts:
        raise NoUsableAccount(no_accounts(console))
    candidates = [one for one in accounts if needs_person(one, now)]
    if len(candidates) != 1:
        ids = ", ".join(one.id for one in candidates or accounts)
        raise click.UsageError(console.say("relogin_whose_token", ids=ids))
    return candidates[0]


def _choose(console: Console, accounts: Sequence[Account], now: float) -> Account | None:
    click.echo(table(accounts, console.say, now))
    default = accounts[0] if needs_person(accounts[0], now) else None
    return choose_account(console, accounts, "choose_relogin", default)
