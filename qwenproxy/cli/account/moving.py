"""`qwenproxy account export` and `import`: an account as an encrypted file, and accounts of another session folder."""

from __future__ import annotations

import codecs
import sys
import time
from pathlib import Path

import click

from qwenproxy.cli.console import Console, find_account, is_interactive, open_console
from qwenproxy.cli.session import late_session_option
from qwenproxy.cli.terminal.asking import ask_hidden
from qwenproxy.cli.terminal.help import Command, option
from qwenproxy.config import Config
from qwenproxy.disk import files
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.history.format import parse_chat
from qwenproxy.history.store import import_chats
from qwenproxy.logins import parcel, sealed_file
from qwenproxy.logins.importing import import_accounts
from qwenproxy.texts import Phrase

SHORTEST = 8  # characters of a new passphrase
EXPORT_EXAMPLES = "qwenproxy account export acc_1 acc_1.qwenproxy\nqwenproxy account export acc_1 F --passphrase-file P"
IMPORT_EXAMPLES = "qwenproxy account import ../FreeQwenApi/session\nqwenproxy account import acc_1.qwenproxy"
passphrase_option = option("--passphrase-file", metavar="FILE", help="help_passphrase_file")


@click.command("export", cls=Command, help="help_account_export", epilog=EXPORT_EXAMPLES)
@click.argument("account_id", metavar="ID")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@passphrase_option
@option("--force", is_flag=True, help="help_export_force")
@late_session_option
@click.pass_obj
def export_command(config: Config, account_id: str, file: Path, passphrase_file: str | None, force: bool) -> None:
    """Write an account to an encrypted file."""
    console = open_console(config)
    if str(file) == "-":
        raise click.UsageError(console.say("export_no_stream"))
    account = find_account(console, account_id)
    content = parcel.to_bytes(parcel.pack(console.registry, account))
    files.ensure_replaceable(file)
    if file.exists() and not force:
        raise SetupError(Phrase("export_exists", path=file))
    sealed = sealed_file.seal(content, _new_passphrase(console, passphrase_file))
    if force:
        files.write_named(file, sealed)
    else:
        files.write_new(file, sealed)
    click.echo(console.say("exported", id=account_id, path=file))
    click.echo(console.say("exported_once", remove=console.command("account", "remove", account_id)))


@click.command("import", cls=Command, help="help_account_import", epilog=IMPORT_EXAMPLES)
@click.argument("source", metavar="PATH", type=click.Path(exists=True, path_type=Path))
@passphrase_option
@late_session_option
@click.pass_obj
def import_command(config: Config, source: Path, passphrase_file: str | None) -> None:
    """Import an exported account, or the accounts and chats of another session folder."""
    console = open_console(config)
    if not source.is_dir():
        _import_file(console, source, passphrase_file)
    elif passphrase_file:
        raise click.UsageError(console.say("passphrase_for_file"))
    else:
        _import_folder(console, source)


def _import_file(console: Console, file: Path, passphrase_file: str | None) -> None:
    sealed = sealed_file.read(file)
    traveller = parcel.from_bytes(sealed_file.unseal(sealed, _passphrase(console, passphrase_file)))
    if renewed := parcel.renew(console.registry, traveller, time.time()):
        click.echo(console.say("imported_renewal", id=renewed))
        return
    account_id = parcel.take_in(console.registry, traveller)
    if account_id != traveller.id:
        click.echo(console.say("imported_renamed", id=account_id, old=traveller.id))
    _tell_imported(console, account_id)


def _import_folder(console: Console, folder: Path) -> None:
    session, source = console.session, _session_folder(folder)
    new_chats, old_chats, unreadable = _sorted_chats(source.history, session.history)
    account_ids = import_accounts(console.registry, session, source)
    import_chats(source.history, session.history)
    for account_id in account_ids:
        _tell_imported(console, account_id)
    click.echo(console.say("imported_total" if account_ids else "imported_none", count=len(account_ids)))
    click.echo(console.say("imported_chats", count=len(new_chats), known=len(old_chats)))
    if unreadable:
        click.echo(console.say("imported_unreadable", names=", ".join(unreadable)), err=True)


def _tell_imported(console: Console, account_id: str) -> None:
    is_usable = find_account(console, account_id).status(time.time()) != "INVALID"
    command = console.command("account", "relogin", account_id)
    click.echo(console.say("imported" if is_usable else "imported_invalid", id=account_id, command=command))


def _sorted_chats(source: Path, target: Path) -> tuple[list[str], list[str], list[str]]:
    """Return file names of a history folder: chats that `target` lacks, chats it has, unreadable files it lacks.

    Raises StorageError.
    """
    new_chats: list[str] = []
    old_chats: list[str] = []
    unreadable = []
    for path in sorted(source.glob("*.json")):
        if not (files.regular_status(path) and files.valid_id(path.stem)):
            continue
        is_here = (target / path.name).exists()
        try:
            parse_chat(path.stem, files.read_bytes(path) or b"", 0)
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


def _new_passphrase(console: Console, passphrase_file: str | None) -> str:
    """Return a passphrase to encrypt with; on a terminal it is asked for twice.

    Raises UsageError, SetupError, click.Abort.
    """
    passphrase = _passphrase(console, passphrase_file)
    if len(passphrase) < SHORTEST:
        raise click.UsageError(console.say("passphrase_short", count=SHORTEST))
    if passphrase_file is None and is_interactive() and ask_hidden(console.say("passphrase_again")) != passphrase:
        raise SetupError(Phrase("passphrases_differ"))
    return passphrase


def _passphrase(console: Console, passphrase_file: str | None) -> str:
    """Return the passphrase: the first line of a file (`-`: of standard input), or what a person types.

    Raises UsageError, StorageError, click.Abort.
    """
    if passphrase_file is None and is_interactive():
        passphrase = ask_hidden(console.say("passphrase_question"))
    elif passphrase_file in (None, "-"):
        passphrase = _text(console, sys.stdin.buffer.readline() if sys.stdin else b"")
    else:
        data = files.read_bytes(Path(passphrase_file))
        if data is None:
            raise click.UsageError(console.say("passphrase_file_missing", path=passphrase_file))
        passphrase = _text(console, data.partition(b"\n")[0])
    passphrase = passphrase.strip()
    if not passphrase:
        raise click.UsageError(console.say("passphrase_missing"))
    return passphrase


def _text(console: Console, data: bytes) -> str:
    """Return a passphrase as text: another reading of its bytes would open nothing. Raises UsageError."""
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise click.UsageError(console.say("passphrase_no_text")) from error
