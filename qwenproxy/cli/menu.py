"""The menu that `qwenproxy start` shows on a terminal before it starts the proxy: the accounts and what to do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from qwenproxy.accounts.account import needs_person
from qwenproxy.cli.account.remove import remove_from_disk
from qwenproxy.cli.console import (
    Console,
    choose_account,
    is_confirmed,
    is_interactive,
    open_console,
    table,
)
from qwenproxy.cli.login import NoScreen, add_in_window, relogin_in_window
from qwenproxy.cli.terminal.asking import ask, ask_hidden
from qwenproxy.cli.tokens import add_by_token, renew_by_token
from qwenproxy.config import Config
from qwenproxy.errors import ProxyError
from qwenproxy.observe import logs

START = "3"


def show_menu(config: Config) -> None:
    """Let the person manage the accounts, and return when the proxy is to start.

    Returns at once with NO_MENU or without a terminal. Raises SetupError, and SystemExit at Ctrl-C.
    """
    if config.no_menu or not is_interactive():
        return
    console = open_console(config)
    try:
        while not _run_choice(console):
            click.echo()
    except click.Abort:
        click.echo(console.say("stopped"), err=True)
        sys.exit(0)  # the menu offers Ctrl-C as a normal way out
    finally:
        logs.configure(config.log_level, config.log_format)


def _run_choice(console: Console) -> bool:
    """Show the menu once and run the choice; return True when the proxy is to start."""
    _show_accounts(console)
    click.echo(f"\n=== {console.say('menu_title')} ===")
    for number, name in enumerate(("add", "relogin", "start", "remove"), 1):
        click.echo(f"{number} - {console.say(f'menu_{name}')}")
    choice = ask(console.say("menu_choice"), START)
    if choice == START:
        return _may_start(console)
    actions: dict[str, Callable[[Console], None]] = {"1": _add, "2": _relogin, "4": _remove}
    if choice not in actions:
        click.echo(console.say("menu_unknown", choice=choice))
        return False
    try:
        actions[choice](console)
    except ProxyError as error:
        click.echo(error.say(console.config.lang))
    return False


def _show_accounts(console: Console) -> None:
    accounts = console.registry.all()
    click.echo(f"\n{console.say('menu_accounts')}")
    click.echo(table(accounts, console.say, time.time()) if accounts else console.say("menu_no_accounts"))


def _may_start(console: Console) -> bool:
    now = time.time()
    if any(account.status(now) != "INVALID" for account in console.registry.all()):
        return True
    click.echo(console.say("menu_no_usable"))
    return False


def _add(console: Console) -> None:
    try:
        click.echo(console.say("added", id=add_in_window(console)))
    except NoScreen:
        token = _ask_token(console)
        if token:
            add_by_token(console, token)
        else:
            click.echo(console.say("nothing_added"))


def _relogin(console: Console) -> None:
    accounts, now = console.registry.all(), time.time()
    if not accounts:
        click.echo(console.say("menu_no_accounts"))
        return
    default = next((one for one in accounts if needs_person(one, now)), None)
    account = choose_account(console, accounts, "choose_relogin", default)
    if account is None:
        return
    try:
        relogin_in_window(console, account)
        click.echo(console.say("relogged", id=account.id))
    except NoScreen:
        token = _ask_token(console)
        if token:
            renew_by_token(console, account, token)
        else:
            click.echo(console.say("nothing_changed", id=account.id))


def _ask_token(console: Console) -> str:
    """Ask for the token of a login on another machine; return "" for none. Raises click.Abort."""
    click.echo(console.say("login_no_display"))
    return ask_hidden(console.say("token_menu"))


def _remove(console: Console) -> None:
    accounts = console.registry.all()
    if not accounts:
        click.echo(console.say("menu_no_accounts"))
        return
    account = choose_account(console, accounts, "choose_remove")
    if account is None:
        return
    if is_confirmed(console.say("remove_sure", id=account.id)):
        remove_from_disk(console, account.id)
    else:
        click.echo(console.say("remove_kept", id=account.id))
