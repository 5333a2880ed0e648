"""`qwenproxy account remove`: deletes an account with its token and profile."""

from __future__ import annotations

import sys

import click

from qwenproxy.browser.profile import ProfileInUse, profile_owner
from qwenproxy.cli.console import Console, find_account, is_confirmed, is_interactive, open_console, unknown_id
from qwenproxy.cli.session import late_session_option
from qwenproxy.cli.terminal.help import Command, option
from qwenproxy.config import Config
from qwenproxy.disk.files import valid_id
from qwenproxy.errors import SetupError
from qwenproxy.logins.removal import remove_account

RELEASE_WAIT = 40.0  # seconds a running server has to close the browser of a removed account


@click.command(
    "remove",
    cls=Command,
    help="help_account_remove",
    epilog="qwenproxy account remove acc_1\nqwenproxy account remove acc_1 -y",
)
@click.argument("account_id", metavar="ID")
@option("--yes", "-y", is_flag=True, help="help_remove_yes")
@late_session_option
@click.pass_obj
def remove_command(config: Config, account_id: str, yes: bool) -> None:
    """Delete an account with its token and profile."""
    console = open_console(config)
    # A killed login leaves a folder without an account; this command removes that, too.
    if not valid_id(account_id) or not console.session.account(account_id).path.exists():
        find_account(console, account_id)
    if not yes and not is_interactive():
        raise click.UsageError(console.say("remove_needs_yes"))
    if yes or is_confirmed(console.say("remove_sure", id=account_id)):
        remove_from_disk(console, account_id)
    else:
        click.echo(console.say("remove_kept", id=account_id))


def remove_from_disk(console: Console, account_id: str) -> None:
    """Delete an account and say so. Raises SetupError, also ProfileInUse."""
    is_account = console.registry.get(account_id) is not None
    owner = profile_owner(console.registry.folder(account_id)) or "?"

    def announce_wait() -> None:
        if sys.stdout.isatty():
            click.echo(console.say("remove_waits", id=account_id, pid=owner))

    try:
        if not remove_account(console.registry, account_id, RELEASE_WAIT, announce_wait):
            raise unknown_id(console, account_id)
    except ProfileInUse as error:
        if not is_account:
            raise
        command = console.command("account", "remove", account_id)
        raise SetupError(console.say("removed_but_folder", id=account_id, pid=owner, command=command)) from error
    click.echo(console.say("removed", id=account_id))
