"""What the commands show beside an account: its proxy, settings on the site that change answers, what is left today.

Reads the files beside the account, so that it needs no browser.
"""

from __future__ import annotations

import time
from datetime import datetime

import click

from qwenproxy.accounts.account import Account, iso_text, iso_texts
from qwenproxy.accounts.kind_rests import read_rests
from qwenproxy.cli.account.proxy import proxies_of, proxy_text
from qwenproxy.cli.console import Console
from qwenproxy.cli.finding import Finding
from qwenproxy.logins import site_report
from qwenproxy.logins.site_report import SiteReport
from qwenproxy.upstream.account_settings import PERSONALIZATION, AccountSettings
from qwenproxy.upstream.quota import KINDS, UNLIMITED

_UNCOUNTED = {"i2v": "quota_i2v", "upload": "quota_upload", "tts": "quota_tts"}  # what no quota of the site counts


def report_on(console: Console, account_id: str) -> SiteReport:
    """Return the last report on an account. Raises SetupError."""
    return site_report.read(console.registry.folder(account_id))


def settings_finding(console: Console, account_id: str) -> Finding | None:
    """Return the warning that an account's settings change its answers; None if they do not, as far as known."""
    settings = report_on(console, account_id).settings
    if settings is None or not settings.changing:
        return None
    names = ", ".join(_with_fields(settings, name) for name in settings.changing)
    text = console.say("settings_change_answers", id=account_id, names=names)
    return Finding("warning", text, console.command("account", "settings", account_id))


def show_notes(console: Console, account_id: str, unsaid: str = "") -> None:
    """Print the proxy, the warning of `settings_finding`, what is left and what is used up.

    `unsaid` is why the site is silent.
    """
    if text := proxy_text(console, account_id):
        click.echo(text)
    if unsaid:
        click.echo(f"{account_id}: {console.say('settings_not_told', reason=unsaid)}")
    if finding := settings_finding(console, account_id):
        click.echo(str(finding))
    if left := report_on(console, account_id).quota_left(time.time()):
        unlimited = console.say("quota_unlimited")
        kinds = [
            f"{console.say(f'quota_{each.kind}')} {unlimited if each.times == UNLIMITED else each.times}"
            for each in left
        ]
        click.echo(console.say("quota_left", id=account_id, kinds=", ".join(kinds)))
    _show_rests(console, account_id)


def _show_rests(console: Console, account_id: str) -> None:
    """Print which kinds of work the account may not do now, and until when."""
    rests = read_rests(console.registry.folder(account_id), time.time())
    if rests:
        kinds = [f"{_kind_text(console, kind)} {_until(console, moment)}" for kind, moment in sorted(rests.items())]
        click.echo(console.say("kinds_rest", id=account_id, kinds=", ".join(kinds)))


def _kind_text(console: Console, kind: str) -> str:
    key = f"quota_{kind}" if kind in KINDS else _UNCOUNTED.get(kind)
    return console.say(key) if key else kind


def _until(console: Console, moment: float) -> str:
    return console.say("until", moment=datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M"))


def account_json(console: Console, one: Account, now: float) -> dict[str, object]:
    """Return an account for programs, without its token (`now` in s since 1970). Raises SetupError."""
    return {
        "id": one.id,
        "status": one.status(now),
        "resetAt": None if one.reset_at is None else iso_text(one.reset_at),
        "reason": one.reason,
        "detail": str(one.trouble) if one.trouble else None,
        "renewable": one.renewable,
        "proxy": proxies_of(console).shown(one.id),
        "resting": iso_texts(read_rests(console.registry.folder(one.id), now)),
        "expiresAt": None if one.expires_at is None else iso_text(one.expires_at),
        **site_report.for_programs(report_on(console, one.id), now),
    }


def _with_fields(settings: AccountSettings, name: str) -> str:
    return f"{name} ({', '.join(settings.personal_fields)})" if name == PERSONALIZATION else name
