"""`qwenproxy account import`: takes over the accounts and chats of an older session folder."""

from __future__ import annotations

import time
from pathlib import Path

import click

from qwenproxy.cli.console import find_account, open_console
from qwenproxy.cli.session import late_session_option
from qwenproxy.cli.terminal.help import Command
from qwenproxy.config import Config
from qwenproxy.disk.files import read_bytes, regular_status, valid_id
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.history.format import parse_chat
from qwenproxy.history.store import import_chats
from qwenproxy.logins.importing import import_accounts


@click.command(
    "import", cls=Command, help="help_account_import", epilog="qwenproxy account import ../FreeQwenApi/session"
)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@late_session_option
@click.pass_obj
def import_command(config: Config, folder: Path) -> None:
    """Import the accounts and chats of an older session folder."""
    console = open_console(config)
    session, source = console.session, _session_folder(folder)
    new_chats, old_chats, unreadable = _sorted_chats(source.history, session.history)
    account_ids = import_accounts(console.registry, session, source)
    import_chats(source.history, session.history)
    for one in [find_account(console, account_id) for account_id in account_ids]:
        is_usable = one.status(time.time()) != "INVALID"
        command = console.command("account", "relogin", one.id)
        click.echo(console.say("imported" if is_usable else "imported_invalid", id=one.id, command=command))
    click.echo(console.say("imported_total" if account_ids else "imported_none", count=len(account_ids)))
    click.echo(console.say("imported_chats", count=len(new_chats), known=len(old_chats)))
    if unreadable:
        click.echo(console.say("imported_unreadable", names=", ".join(unreadable)), err=True)


def _sorted_chats(source: Path, target: Path) -> tuple[list[str], list[str], list[str]]:
    """Return file names of a history folder: chats that `target` lacks, chats it has, unreadable files it lacks.

    Raises StorageError.
    """
    new_chats: list[str] = []
    old_chats: list[str] = []
    unreadable = []
    for path in sorted(source.glob("*.json")):
        if not (regular_status(path) and valid_id(path.stem)):
            continue
        is_here = (target / path.name).exists()
        try:
            parse_chat(path.stem, read_bytes(path) or b"", 0)
        except ValueError:
            if not is_here:
                unreadable.append(path.name)
        else:
            (old_chats if is_here else new_chats).append(path.name)
    return new_chats, old_chats, unreadable


def _session_folder(folder: Path) -> SessionFolder:
    """Return the folder itself, or the session folder inside it for a checkout of the older project."""
    inside = folder / "session"
    return SessionFolder(folder if SessionFolder(folder).is_one or not inside.is_dir() else inside)
