"""`qwenproxy account settings`: shows what settings on the site do to answers, and lets their person change them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from qwenproxy.accounts.account import Account
from qwenproxy.assembly import opener_for
from qwenproxy.browser.profile import ProfileInUse, profile_owner
from qwenproxy.cli.account.check import check_text
from qwenproxy.cli.account.notes import report_on
from qwenproxy.cli.console import Console, find_account, is_confirmed, is_interactive, open_console
from qwenproxy.cli.session import late_session_option
from qwenproxy.cli.terminal.help import Command, option
from qwenproxy.cli.terminal.progress import live_line
from qwenproxy.config import Config
from qwenproxy.errors import NotLoggedIn, SetupError, VerificationRequired
from qwenproxy.logins import site_report
from qwenproxy.logins.check import verdict
from qwenproxy.logins.person_settings import PersonSettings, opened_settings
from qwenproxy.upstream.account_settings import (
    CODE_PROMPT,
    HISTORY_MEMORY,
    MEMORY,
    PERSONALIZATION,
    SERVER,
    AccountSettings,
    Switch,
    is_tool,
    read_settings,
)

ALL = "all"
SERVERS = SERVER.removesuffix(":")
EXAMPLES = "qwenproxy account settings acc_1\nqwenproxy account settings acc_1 --off memory --off personalization"
_MEANINGS = {
    MEMORY: "settings_memory",
    HISTORY_MEMORY: "settings_history_memory",
    CODE_PROMPT: "settings_code_prompt",
}


@dataclass(frozen=True, slots=True)
class Orders:
    """What the person ordered: names to switch on and off, not to be asked, JSON."""

    on: tuple[str, ...]
    off: tuple[str, ...]
    yes: bool
    as_json: bool

    @property
    def any_change(self) -> bool:
        """Whether names are given."""
        return bool(self.on or self.off)


@click.command("settings", cls=Command, help="help_account_settings", epilog=EXAMPLES)
@click.argument("account_id", metavar="ID")
@option("--on", multiple=True, metavar="NAME", help="help_settings_on")
@option("--off", multiple=True, metavar="NAME", help="help_settings_off")
@option("--yes", "-y", is_flag=True, help="help_remove_yes")
@option("--json", "as_json", is_flag=True, help="help_config_json")
@late_session_option
@click.pass_obj
def settings_command(config: Config, /, account_id: str, **options: Any) -> None:
    """Show an account's settings, and change those that the person names."""
    console, orders = open_console(config), Orders(**options)
    account = find_account(console, account_id)
    if orders.any_change and not orders.yes and (orders.as_json or not is_interactive()):
        raise click.UsageError(console.say("settings_needs_yes"))
    if orders.yes and not orders.any_change:
        raise click.UsageError(console.say("settings_yes_alone"))
    _wishes(console, orders, _known_names(console, account.id, orders))  # a wrong name is told before a browser opens
    try:
        with opened_settings(console.registry, opener_for(config, console.registry), account) as settings:
            _serve(console, account, orders, settings)
    except ProfileInUse:
        if orders.any_change or report_on(console, account.id).settings is None:
            raise
        _show_last_known(console, account, orders)
    except (NotLoggedIn, VerificationRequired) as error:
        result = verdict(console.registry, account, error, config.lang)
        record = console.registry.get(account.id) or account
        click.echo(check_text(console, record, result), err=True)
        sys.exit(1)


def _serve(console: Console, account: Account, orders: Orders, settings: PersonSettings) -> None:
    with live_line() as line:
        line.show(console.say("settings_reading", id=account.id))
        before = settings.read()
    if not orders.as_json:
        _show(console, account.id, before)
    wishes = _wishes(console, orders, before)
    if not orders.any_change and not orders.as_json and is_interactive():
        wishes = _asked_for(console, before)
    elif wishes and not orders.yes and not is_confirmed(_question(console, wishes)):
        wishes = {}
    after = settings.switch(wishes) if wishes else before
    if orders.as_json:
        _show_json(console, account.id, {name: [before.is_on(name), after.is_on(name)] for name in wishes})
    else:
        _show_changes(console, before, after, wishes)
    if refused := [name for name, on in wishes.items() if after.is_on(name) is not on]:
        raise SetupError(console.say("settings_refused", names=", ".join(refused)))


def _wishes(console: Console, orders: Orders, settings: AccountSettings) -> dict[str, bool]:
    """Return the switches to change, with the state that each gets. Raises UsageError for a name there is not."""
    on = {each for name in orders.on for each in _named(console, settings, name)}
    off = {each for name in orders.off for each in _named(console, settings, name, off=True)}
    if on & off:
        raise click.UsageError(console.say("settings_both", name=min(on & off)))
    wishes = {name: name in on for name in sorted(on | off)}
    return {name: state for name, state in wishes.items() if settings.is_on(name) is not state}


def _known_names(console: Console, account_id: str, orders: Orders) -> AccountSettings:
    """Return switches without states: those that every account has, and those that the site named last."""
    last = report_on(console, account_id).settings or AccountSettings()
    named = [switch.name for switch in (*read_settings({}).switches, *last.switches)]
    # Which hosted servers there are only the site knows.
    named += [word for word in (*orders.on, *orders.off) if word.startswith(SERVER) and word != SERVER]
    return AccountSettings(tuple(Switch(name, None) for name in dict.fromkeys(named)))


def _named(console: Console, settings: AccountSettings, word: str, *, off: bool = False) -> list[str]:
    """Return the switches that a person's word names."""
    names = [switch.name for switch in settings.switches]
    if word == ALL and off:
        return _switchable(settings)
    if word == SERVERS:
        return [name for name in names if name.startswith(SERVER)]
    name = word if word.startswith(SERVER) else word.replace("-", "_")
    # The site lists a hosted server only once it was switched on.
    if name in names or (name.startswith(SERVER) and name != SERVER and not off):
        return [name]
    if name == CODE_PROMPT:
        raise click.UsageError(console.say("settings_only_page", name=name))
    others = [SERVERS, ALL] if off else [SERVERS]
    raise click.UsageError(console.say("settings_unknown", name=word, names=", ".join([*names, *others])))


def _switchable(settings: AccountSettings) -> list[str]:
    return [name for name in settings.changing if name != CODE_PROMPT]


def _asked_for(console: Console, settings: AccountSettings) -> dict[str, bool]:
    """Ask the person about each setting that changes answers; return those to switch off. Raises Abort."""
    names = _switchable(settings)
    return {name: False for name in names if is_confirmed(console.say("settings_ask_off", name=name))}


def _question(console: Console, wishes: Mapping[str, bool]) -> str:
    states = [f"{name} -> {_state(console, on)}" for name, on in wishes.items()]
    return console.say("settings_sure", changes=", ".join(states))


def _show(console: Console, account_id: str, settings: AccountSettings) -> None:
    click.echo(console.say("settings_head", id=account_id))
    rows = list(_rows(console, settings))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, state, meaning in rows:
        mark = "⚠️ " if name in settings.changing else "   "
        click.echo(f"{mark} {name:<{widths[0]}}  {state:<{widths[1]}}  {meaning}")


def _rows(console: Console, settings: AccountSettings) -> Iterator[tuple[str, str, str]]:
    """Yield name, state and meaning of each setting."""
    fields = ", ".join(settings.personal_fields) or console.say("settings_no_fields")
    for switch in settings.switches:
        if switch.name == PERSONALIZATION:
            meaning = console.say("settings_personalization", fields=fields)
        else:
            key = "settings_tool" if is_tool(switch.name) else "settings_server"
            meaning = console.say(_MEANINGS.get(switch.name, key))
        yield switch.name, _state(console, switch.on), meaning
    if settings.code_prompt:
        yield CODE_PROMPT, _state(console, True), console.say(_MEANINGS[CODE_PROMPT])


def _show_changes(
    console: Console, before: AccountSettings, after: AccountSettings, wishes: Mapping[str, bool]
) -> None:
    for name in wishes:
        states = {"before": _state(console, before.is_on(name)), "after": _state(console, after.is_on(name))}
        click.echo(console.say("settings_changed", name=name, **states))
    if not wishes:
        click.echo(console.say("settings_kept"))


def _show_json(console: Console, account_id: str, changed: Mapping[str, list[bool | None]]) -> None:
    """Print the last report, which is as new as the site's answer, and each change as [before, after]."""
    report = site_report.for_programs(report_on(console, account_id), time.time())
    click.echo(json.dumps({"id": account_id, **report, "changed": changed}, indent=2, ensure_ascii=False))


def _show_last_known(console: Console, account: Account, orders: Orders) -> None:
    report = report_on(console, account.id)
    if orders.as_json:
        _show_json(console, account.id, {})
    elif report.settings:
        moment = datetime.fromtimestamp(report.settings_at).strftime("%Y-%m-%d %H:%M")
        owner = profile_owner(console.registry.folder(account.id)) or "?"
        _show(console, account.id, report.settings)
        click.echo(console.say("settings_held", moment=moment, pid=owner))


def _state(console: Console, on: bool | None) -> str:
    return console.say("settings_unsaid" if on is None else "settings_on" if on else "settings_off")
