"""`qwenproxy account`: add, log in again, remove, list, check, and take over accounts (contract 5)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from qwenproxy.accounts.account import Account, iso_text
from qwenproxy.assembly import opener_for
from qwenproxy.browser.profile import ProfileInUse, profile_owner
from qwenproxy.cli.console import (
    ICONS,
    Console,
    choose_account,
    confirmed,
    find_account,
    is_interactive,
    needs_person,
    no_accounts,
    open_console,
    profile_in_use,
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

RELEASE_WAIT = 40.0  # seconds a running server gets to close the browser of an account that is removed
RELOGIN_EXAMPLES = "qwenproxy account relogin\nqwenproxy account relogin acc_1 --token - <token.txt"
wait_option = option(
    "--wait", "login_wait", type=click.FloatRange(min=1), default=LOGIN_WAIT, metavar="SECONDS", help="help_wait"
)


@click.group(cls=Group, help="help_account", epilog="qwenproxy account add\nqwenproxy account list")
@session_option
@click.pass_context
def account(ctx: click.Context, session_dir: str | None) -> None:
    """Read the settings for the command that follows."""
    ctx.obj = Config.load({"session_dir": session_dir})


@account.command(help="help_account_add", epilog="qwenproxy account add\nqwenproxy account add --token - <token.txt")
@option("--token", metavar="TOKEN", help="help_add_token")
@option("--id", "account_id", metavar="ID", help="help_add_id")
@wait_option
@late_session_option
@click.pass_obj
def add(config: Config, token: str | None, account_id: str | None, login_wait: float) -> None:
    """Add an account, by a window or by a token."""
    console = open_console(config)
    _refuse_bad_id(console, account_id)
    if token is None:
        added = add_in_window(console, account_id, login_wait)
        click.echo(console.say("added", id=added))
    else:
        add_by_token(console, token, account_id)


@account.command(help="help_account_relogin", epilog=RELOGIN_EXAMPLES)
@click.argument("account_id", metavar="[ID]", required=False)
@option("--token", metavar="TOKEN", help="help_relogin_token")
@wait_option
@late_session_option
@click.pass_obj
def relogin(config: Config, account_id: str | None, token: str | None, login_wait: float) -> None:
    """Log in again to the named account, or to the one that needs it."""
    console = open_console(config)
    if token is not None:
        renew_by_token(console, find_account(console, account_id) if account_id else _whose_token(console), token)
        return
    chosen = find_account(console, account_id) if account_id else _who_needs_login(console)
    if chosen is not None:
        relogin_in_window(console, chosen, login_wait)
        click.echo(console.say("relogged", id=chosen.id))


@account.command(help="help_account_remove", epilog="qwenproxy account remove acc_1\nqwenproxy account remove acc_1 -y")
@click.argument("account_id", metavar="ID")
@option("--yes", "-y", is_flag=True, help="help_remove_yes")
@late_session_option
@click.pass_obj
def remove(config: Config, account_id: str, yes: bool) -> None:
    """Delete an account with its token and profile."""
    console = open_console(config)
    # A login that was killed leaves a folder without an account, which can go by the same command.
    if not valid_id(account_id) or not console.session.account(account_id).path.exists():
        find_account(console, account_id)
    if not yes and not is_interactive():
        raise click.UsageError(console.say("remove_needs_yes"))
    if yes or confirmed(console, console.say("remove_sure", id=account_id)):
        remove_from_disk(console, account_id)
    else:
        click.echo(console.say("remove_kept", id=account_id))


def remove_from_disk(console: Console, account_id: str) -> None:
    """Delete an account and say so. Raises SetupError, also where its profile stays in use."""
    was_known = console.registry.get(account_id) is not None
    holder = profile_owner(console.registry.folder(account_id)) or "?"

    def tell_of_wait() -> None:
        if sys.stdout.isatty():
            click.echo(console.say("remove_waits", id=account_id, pid=holder))

    try:
        if not remove_account(console.registry, account_id, RELEASE_WAIT, tell_of_wait):
            raise unknown_id(console, account_id)
    except ProfileInUse as error:
        if was_known:
            command = console.command("account", "remove", account_id)
            raise SetupError(console.say("removed_but_folder", id=account_id, pid=holder, command=command)) from error
        raise profile_in_use(console, account_id) from error
    click.echo(console.say("removed", id=account_id))


@account.command("list", help="help_account_list", epilog="qwenproxy account list\nqwenproxy account list --json")
@option("--json", "as_json", is_flag=True, help="help_list_json")
@late_session_option
@click.pass_obj
def list_accounts(config: Config, as_json: bool) -> None:
    """Show the accounts and how they stand."""
    console = open_console(config)
    accounts, now = console.accounts(), time.time()
    if as_json:
        click.echo(json.dumps([_as_json(one, now) for one in accounts], indent=2, ensure_ascii=False))
    else:
        click.echo(table(accounts, console.say, now) if accounts else no_accounts(console))


@account.command(help="help_account_check", epilog="qwenproxy account check\nqwenproxy account check acc_1")
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
    failed = False
    for number, one in enumerate(accounts, 1):
        with live_line() as line:
            line.show(console.say("checking", id=one.id, number=number, count=len(accounts)))
            result = check_account(console.registry, opener, one, config.lang)
        on_record = console.registry.get(one.id) or one
        is_fine = result.kind == "ok" or (result.kind == "in_use" and on_record.status(time.time()) == "OK")
        failed = failed or not is_fine
        click.echo(check_text(console, on_record, result))
    if all(one.status(time.time()) == "INVALID" for one in console.registry.all()):
        sys.exit(NoUsableAccount.exit_code)
    sys.exit(1 if failed else 0)


def check_text(console: Console, on_record: Account, result: Check) -> str:
    """Return what came of asking the site about an account, with what to do about it."""
    now = time.time()
    if result.kind == "in_use":
        holder = profile_owner(console.registry.folder(on_record.id))
        text = console.say("check_held", pid=holder or "?")
    else:
        text = console.say(f"check_{result.kind}", id=on_record.id, detail=result.detail)
    if result.kind in ("unreachable", "disk", "browser", "lost"):
        remedy = f"; {console.say('doctor_disk_remedy')}" if result.kind == "disk" else ""
        return f"{ICONS['INVALID']} {on_record.id}: {text}{remedy}"
    helps = result.kind in ("invalid", "verify") or (result.kind == "in_use" and needs_person(on_record, now))
    remedy = f"; {console.command('account', 'relogin', on_record.id)}" if helps else ""
    return f"{on_record.id}: {status_text(on_record, console.say, now)} - {text}{remedy}"


@account.command("import", help="help_account_import", epilog="qwenproxy account import ../FreeQwenApi/session")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@late_session_option
@click.pass_obj
def import_folder(config: Config, folder: Path) -> None:
    """Take over the accounts and chats of an older session folder."""
    console = open_console(config)
    session, source = console.session, _session_folder(folder)
    new, known, unreadable = _sorted_chats(source.history, session.history)
    imported = import_accounts(console.registry, session, source)
    import_chats(source.history, session.history)
    for one in [find_account(console, account_id) for account_id in imported]:
        usable = one.status(time.time()) != "INVALID"
        command = console.command("account", "relogin", one.id)
        click.echo(console.say("imported" if usable else "imported_invalid", id=one.id, command=command))
    click.echo(console.say("imported_total" if imported else "imported_none", count=len(imported)))
    click.echo(console.say("imported_chats", count=len(new), known=len(known)))
    if unreadable:
        click.echo(console.say("imported_unreadable", names=", ".join(unreadable)), err=True)


def _sorted_chats(source: Path, target: Path) -> tuple[list[str], list[str], list[str]]:
    """Return the files of a history folder: chats that `target` lacks, chats it has, and what it lacks that is no chat.

    Raises StorageError.
    """
    new: list[str] = []
    known: list[str] = []
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
            (known if is_here else new).append(path.name)
    return new, known, unreadable


def _session_folder(folder: Path) -> SessionFolder:
    """Return the session folder inside a checkout of the older project where that is what was named."""
    inside = folder / "session"
    return SessionFolder(folder if SessionFolder(folder).is_one or not inside.is_dir() else inside)


def _refuse_bad_id(console: Console, account_id: str | None) -> None:
    if account_id is None:
        return
    if not valid_id(account_id):
        raise SetupError(console.say("bad_id"))
    for taken in console.accounts():
        if taken.id.casefold() == account_id.casefold():
            raise SetupError(console.say("id_taken", id=taken.id))


def _who_needs_login(console: Console) -> Account | None:
    """Return the account to log in to where none was named; None when there is nothing to do."""
    accounts, now = console.accounts(), time.time()
    if not accounts:
        raise NoUsableAccount(no_accounts(console))
    needy = [one for one in accounts if needs_person(one, now)]
    if is_interactive() and len(needy) != 1:
        return _choose(console, needy or accounts, now)
    if not needy:
        click.echo(console.say("relogin_none"))
        return None
    return needy[0]


def _whose_token(console: Console) -> Account:
    """Return the account that a token is for where none was named: the only one that needs a login."""
    accounts, now = console.accounts(), time.time()
    if not accounts:
        raise NoUsableAccount(no_accounts(console))
    needy = [one for one in accounts if needs_person(one, now)]
    if len(needy) != 1:
        raise click.UsageError(console.say("relogin_whose_token", ids=", ".join(one.id for one in needy or accounts)))
    return needy[0]


def _choose(console: Console, accounts: Sequence[Account], now: float) -> Account | None:
    click.echo(table(accounts, console.say, now))
    default = accounts[0] if needs_person(accounts[0], now) else None
    return choose_account(console, accounts, "choose_relogin", default)


def _as_json(one: Account, now: float) -> dict[str, object]:
    return {
        "id": one.id,
        "status": one.status(now),
        "resetAt": None if one.reset_at is None else iso_text(one.reset_at),
        "reason": one.reason,
        "detail": str(one.trouble) if one.trouble else None,
        "renewable": one.renewable,
        "expiresAt": None if one.expires_at is None else iso_text(one.expires_at),
    }
