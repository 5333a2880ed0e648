"""`qwenproxy account list`: shows the accounts without a browser."""

from __future__ import annotations

import json
import time

import click

from qwenproxy.cli.account.notes import account_json, show_notes
from qwenproxy.cli.console import no_accounts, open_console, table
from qwenproxy.cli.session import late_session_option
from qwenproxy.cli.terminal.help import Command, option
from qwenproxy.config import Config


@click.command(
    "list", cls=Command, help="help_account_list", epilog="qwenproxy account list\nqwenproxy account list --json"
)
@option("--json", "as_json", is_flag=True, help="help_list_json")
@late_session_option
@click.pass_obj
def list_command(config: Config, as_json: bool) -> None:
    """Show the accounts and their status."""
    console = open_console(config)
    accounts, now = console.accounts(), time.time()
    if as_json:
        click.echo(json.dumps([account_json(console, one, now) for one in accounts], indent=2, ensure_ascii=False))
        return
    click.echo(table(accounts, console.say, now) if accounts else no_accounts(console))
    for one in accounts:
        show_notes(console, one.id)
