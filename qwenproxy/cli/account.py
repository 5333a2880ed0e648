"""`qwenproxy account`: add, relogin, remove, list, check and import accounts (contract 5)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from qwenproxy.accounts.account import Account
from qwenproxy.assembly import opener_for
from qwenproxy.browser.profile import ProfileInUse, profile_owner
from qwenproxy.cli.account_notes import account_json, show_notes
from qwenproxy.cli.account_proxy import read_proxy
from qwenproxy.cli.console import (
    ICONS,
    Console,
    choose_account,
    find_account,
    is_confirmed,
    is_interactive,
    needs_person,
    no_accounts,
    open_console,
    status_text,
    table,
    unknown_id,
)
from qwenproxy.cli.login import LOGIN_WAIT, add_in_window, relogin_in_window
from qwenproxy.cli.session import late_session_option
from qwenproxy.cli.terminal.help import Group, option, session_option
from qwenproxy.cli.terminal.progress import live_line
from qwenproxy.cli.tokens import add_by_token, renew_by_token
from qwenproxy.config import Config
from qwenproxy.disk.files import read_bytes, regular_status, valid_id
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import NoUsableAccount, SetupError
from qwenproxy.history.format import parse_chat
from qwenproxy.history.store import import_chats
from qwenproxy.logins.check import Check, check_account
from qwenproxy.logins.importing import import_accounts
from qwenproxy.logins.removal import remove_account
from qwenproxy.texts import Phrase

RELEASE_WAIT = 40.0  # seconds a running server has to close the browser of a removed account
RELOGIN_EXAMPLES = "qwenproxy account relogin\nqwenproxy account relogin acc_1 --token - <token.txt"
wait_option = option(
    "--wait", "login_wait", type=click.FloatRange(min=1), default=LOGIN_WAIT, metavar="SECONDS", help="help_wait"
)


@click.group("account", cls=Group, help="help_account", epilog="qwenproxy account add\nqwenproxy account list")
@session_option
@click.pass_context
def account_group(ctx: click.Context, session_dir: str | None) -> None:
    """Read the settings for the command."""
    ctx.obj = Config.load({"session_dir": session_dir})


@account_group.command(
    "add", help="help_account_add", epilog="qwenproxy account add\nqwenproxy account add --token - <token.txt"
)
@option("--token", metavar="TOKEN", help="help_add_token")
@option("--id", "account_id", metavar="ID", help="help_add_id")
@option("--proxy", "proxy_url", metavar="URL", help="help_add_proxy")
@wait_option
@late_session_option
@click.pass_obj
def add(config: Config, token: str | None, account_id: str | None, proxy_url: str | None, login_wait: float) -> None:
    """Add an account by a login window or a token."""
    console = open_console(config)
    _refuse_bad_id(console, account_id)
    if token == proxy_url == "-":
        raise click.UsageError(console.say("add_two_hidden"))
    proxy = read_proxy(console, proxy_url) if proxy_url is not None else None
    if token is None:
        click.echo(console.say("added", id=add_in_window(console, account_id, login_wait, proxy)))
    else:
        add_by_token(console, token, account_id, proxy)


@account_group.command("relogin", help="help_account_relogin", epilog=RELOGIN_EXAMPLES)
@click.argument("account_id", metavar="[ID]", required=False)
@option("--token", metavar="TOKEN", help="help_relogin_token")
@wait_option
@late_session_option
@click.pass_obj
def relogin(config: Config, account_id: str | None, token: str | None, login_wait: float) -> None:
    """Log in again to the named account, or to the one that needs it."""
    console = open_console(config)
    if token is not None:
        renew_by_token(console, find_account(console, account_id) if account_id else _owner_of_token(console), token)
        return
    account = find_account(console, account_id) if account_id else _account_to_relogin(console)
    if account is not None:
        relogin_in_window(console, account, login_wait)
        click.echo(console.say("relogged", id=account.id))


@account_group.command(
    "remove", help="help_account_remove", epilog="qwenproxy account remove acc_1\nqwenproxy account remove acc_1 -y"
)
@click.argument("account_id", metavar="ID")
@option("--yes", "-y", is_flag=True, help="help_remove_yes")
@late_session_option
@click.pass_obj
def remove(config: Config, account_id: str, yes: bool) -> None:
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


@account_group.command("list", help="help_account_list", epilog="qwenproxy account list\nqwenproxy account list --json")
@option("--json", "as_json", is_flag=True, help="help_list_json")
@late_session_option
@click.pass_obj
def list_accounts(config: Config, as_json: bool) -> None:
    """Show the accounts and their status."""
    console = open_console(config)
    accounts, now = console.accounts(), time.time()
    if as_json:
        click.echo(json.dumps([account_json(console, one, now) for one in accounts], indent=2, ensure_ascii=False))
        return
    click.echo(table(accounts, console.say, now) if accounts else no_accounts(console))
    for one in accounts:
        show_notes(console, one.id)


@account_group.command(
    "check", help="help_account_check", epilog="qwenproxy account check\nqwenproxy account check acc_1"
)
@click.argument("account_id", metavar="[ID]", required=False)
@late_session_option
@click.pass_obj
def check(config: Config, account_id: str | None) -> None:
    """Ask the site whether accounts are logged in."""
    console = open_console(config)
    accounts = [find_account(console, account_id)] if account_id else console.accounts()
    if not accounts:
        raise NoUsableAccount(no_accounts(console))
    opener = opener_for(console.config, console.registry)
    has_failed = False
    for number, one in enumerate(accounts, 1):
        with live_line() as line:
            line.show(console.say("checking", id=one.id, number=number, count=len(accounts)))
            result = check_account(console.registry, opener, one, config.lang)
        record = console.registry.get(one.id) or one
        is_fine = result.kind == "ok" or (result.kind == "in_use" and record.status(time.time()) == "OK")
        has_failed = has_failed or not is_fine
        click.echo(check_text(console, record, result))
        if is_fine:
            show_notes(console, record.id, result.unsaid)
    if all(one.status(time.time()) == "INVALID" for one in console.registry.all()):
        sys.exit(NoUsableAccount.exit_code)
    sys.exit(1 if has_failed else 0)


def check_text(console: Console, record: Account, result: Check) -> str:
    """Return the line on a check: the account as the registry has it, what the site said, what to do."""
    now = time.time()
    if result.kind == "in_use":
        owner = profile_owner(console.registry.folder(record.id))
        text = console.say("check_held", pid=owner or "?")
    else:
        text = console.say(f"check_{result.kind}", id=record.id, detail=result.detail)
    if result.kind in ("unreachable", "disk", "browser", "lost"):
        remedy = f"; {console.say('doctor_disk_remedy')}" if result.kind == "disk" else ""
        return f"{ICONS['INVALID']} {record.id}: {text}{remedy}"
    login_helps = result.kind in ("invalid", "verify") or (result.kind == "in_use" and needs_person(record, now))
    remedy = f"; {console.command('account', 'relogin', record.id)}" if login_helps else ""
    return f"{record.id}: {status_text(record, console.say, now)} - {text}{remedy}"


@account_group.command("import", help="help_account_import", epilog="qwenproxy account import ../FreeQwenApi/session")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@late_session_option
@click.pass_obj
def import_folder(config: Config, folder: Path) -> None:
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


def _refuse_bad_id(console: Console, account_id: str | None) -> None:
    """Raise what the registry would raise, but before it creates the session folder and before a window opens."""
    if account_id is None:
        return
    if not valid_id(account_id):
        raise SetupError(Phrase("bad_account_id"))
    for account in console.accounts():
        if account.id.casefold() == account_id.casefold():
            raise SetupError(Phrase("account_exists", id=account.id))


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
