"""`qwenproxy account check`: asks the site whether accounts are logged in."""

from __future__ import annotations

import sys
import time

import click

from qwenproxy.accounts.account import Account, needs_person
from qwenproxy.assembly import opener_for
from qwenproxy.browser.profile import profile_owner
from qwenproxy.cli.account.notes import show_notes
from qwenproxy.cli.console import (
    ICONS,
    Console,
    find_account,
    no_accounts,
    open_console,
    status_text,
)
from qwenproxy.cli.session import late_session_option
from qwenproxy.cli.terminal.help import Command
from qwenproxy.cli.terminal.progress import live_line
from qwenproxy.config import Config
from qwenproxy.errors import NoUsableAccount
from qwenproxy.logins.check import Check, check_account


@click.command(
    "check", cls=Command, help="help_account_check", epilog="qwenproxy account check\nqwenproxy account check acc_1"
)
@click.argument("account_id", metavar="[ID]", required=False)
@late_session_option
@click.pass_obj
def check_command(config: Config, account_id: str | None) -> None:
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
