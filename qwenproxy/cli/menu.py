"""The menu that `qwenproxy start` shows on a terminal: the accounts, and what to do before the proxy starts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from qwenproxy.cli.account import remove_from_disk
from qwenproxy.cli.console import (
    Console,
    choose_account,
    confirmed,
    is_interactive,
    needs_person,
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
    """Let the person look after the accounts until the proxy shall start.

    Returns at once where NO_MENU says so or nobody sits at a terminal. Raises SetupError, and SystemExit at Ctrl-C.
    """
    if config.no_menu or not is_interactive():
        return
    console = open_console(config)
    try:
        while not _served(console):
            click.echo()
    except click.Abort:
        click.echo(console.say("stopped"), err=True)
        sys.exit(0)  # which is what the menu offers
    finally:
        logs.configure(config.log_level)


def _served(console: Console) -> bool:
    """Show the menu once and do what is chosen; True when the proxy shall start."""
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
        token = _token_instead(console)
        if token:
            add_by_token(console, token)
        else:
            click.echo(console.say("nothing_added"))


def _relogin(console: Console) -> None:
    accounts, now = console.registry.all(), time.time()
    if not accounts:
        click.echo(console.say("menu_no_accounts"))
        return
    default = next((account for account in accounts if needs_person(account, now)), None)
    chosen = choose_account(console, accounts, "choose_relogin", default)
    if chosen is None:
        return
    try:
        relogin_in_window(console, chosen)
        click.echo(console.say("relogged", id=chosen.id))
    except NoScreen:
        token = _token_instead(console)
        if token:
            renew_by_token(console, chosen, token)
        else:
            click.echo(console.say("nothing_changed", id=chosen.id))


def _token_instead(console: Console) -> str:
    """Ask for the token of a login made elsewhere; "" for none. Raises click.Abort."""
    click.echo(console.say("login_no_display"))
    return ask_hidden(console.say("token_menu"))


def _remove(console: Console) -> None:
    accounts = console.registry.all()
    if not accounts:
        click.echo(console.say("menu_no_accounts"))
        return
    chosen = choose_account(console, accounts, "choose_remove")
    if chosen is None:
        return
    if confirmed(console, console.say("remove_sure", id=chosen.id)):
        remove_from_disk(console, chosen.id)
    else:
        click.echo(console.say("remove_kept", id=chosen.id))
