"""`qwenproxy doctor --probe`: whether the site still speaks as this version knows it, and a report that names changes.

Chooses the account, says what it will do and asks, shows each step, writes the report. What the steps are, the room
probe/ knows.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from qwenproxy import __version__
from qwenproxy.accounts.account import Account
from qwenproxy.assembly import opener_for, site_of, store_of
from qwenproxy.browser.kept_page import KeptPage
from qwenproxy.browser.profile import profile_owner
from qwenproxy.cli.console import Console, find_account, is_confirmed, is_interactive, no_accounts
from qwenproxy.cli.terminal.help import WordedUsageError
from qwenproxy.cli.terminal.progress import live_line
from qwenproxy.cli.works import check_folder
from qwenproxy.disk import files
from qwenproxy.errors import NoUsableAccount, Refusal, SetupError
from qwenproxy.logins.check import verdict
from qwenproxy.probe.names import hidden
from qwenproxy.probe.notes import Outcome
from qwenproxy.probe.plan import STEPS, Step, chats_of, questions_of
from qwenproxy.probe.report import Report, line_of, remarks_of, without
from qwenproxy.probe.running import Probe
from qwenproxy.probe.visit import Means, Visit
from qwenproxy.probe.work_steps import CONTENT
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.texts import Phrase
from qwenproxy.upstream.places import SiteChat

PACE = 6.0  # seconds between two writes to the site (protocol 6.7)
SECONDS_A_QUESTION = 10.0  # pace and answer together
CHANGED = 4  # exit status
_STATUS = {"expected": 0, "unfinished": 1, "changed": CHANGED}


@dataclass(frozen=True, slots=True)
class ProbeWish:
    """What the person asked for. `report` is the path of the report without its ending, None for a free name here."""

    account_id: str | None = None
    report: Path | None = None
    costly: bool = False
    asks: bool = True


@dataclass(frozen=True, slots=True)
class _Paths:
    json: Path
    text: Path


def probe_site(console: Console, wish: ProbeWish) -> int:
    """Probe the site and write the report; return the exit status: 0 as expected, 1 unfinished, 4 changed.

    Raises SetupError, NoUsableAccount, click.Abort.
    """
    account = _account(console, wish.account_id)
    paths = _paths(wish.report)
    steps = [step for step in STEPS if wish.costly or not step.costly]
    _explain(console, account, paths, steps)
    if wish.asks and not is_interactive():
        raise WordedUsageError(console.say("probe_ask_first"))
    if wish.asks and not is_confirmed(console.say("probe_begin")):
        click.echo(console.say("probe_stopped_before"))
        return 1
    with _page(console, account) as page:
        report, private = _probe(console, account, page, steps)
    content = without(report.to_json(), private, hidden)
    files.write_new(paths.json, files.format_json(content))
    files.write_new(paths.text, without(report.to_text(console.config.lang), private, hidden).encode())
    click.echo(report.summary(console.config.lang))
    click.echo(console.say("probe_written", json=paths.json, text=paths.text))
    return _STATUS[report.verdict]


def _account(console: Console, account_id: str | None) -> Account:
    """Return the account to use: the named one, else the first that is fit and free."""
    if account_id:
        account = find_account(console, account_id)
        if (owner := profile_owner(console.registry.folder(account.id))) is not None:
            raise SetupError(Phrase("probe_in_use", id=account.id, pid=owner))
        return account
    accounts, now = console.accounts(), time.time()
    if not accounts:
        raise NoUsableAccount(no_accounts(console))
    fit = [account for account in accounts if account.status(now) == "OK"]
    if not fit:
        raise NoUsableAccount(Phrase("probe_no_account"))
    owners = {account.id: profile_owner(console.registry.folder(account.id)) for account in fit}
    for account in fit:
        if owners[account.id] is None:
            return account
    raise SetupError(Phrase("probe_in_use", id=fit[0].id, pid=owners[fit[0].id]))


def _paths(report: Path | None) -> _Paths:
    """Return where the report goes. Raises SetupError for a place that cannot be, before anything is asked."""
    if report is None:
        names = ("qwenproxy-probe" if number == 1 else f"qwenproxy-probe-{number}" for number in itertools.count(1))
        paths = next(each for each in map(_pair, map(Path, names)) if not (each.json.exists() or each.text.exists()))
    else:
        paths = _pair(report.with_suffix("") if report.suffix in (".json", ".txt") else report)
    check_folder(paths.json)
    for path in (paths.json, paths.text):
        if path.exists():
            raise SetupError(Phrase("probe_exists", path=path))
    return paths


def _pair(path: Path) -> _Paths:
    return _Paths(path.with_name(f"{path.name}.json"), path.with_name(f"{path.name}.txt"))


def _explain(console: Console, account: Account, paths: _Paths, steps: Sequence[Step]) -> None:
    """Say what will be done, and what it costs."""
    questions, chats = questions_of(steps), chats_of(steps)
    seconds = (questions + chats) * SECONDS_A_QUESTION
    values: Mapping[str, object] = {
        "id": account.id,
        "url": console.config.base_url,
        "version": __version__,
        "questions": questions,
        "chats": chats,
        "size": len(CONTENT),
        "minutes": math.ceil(seconds / 60),
        "json": paths.json,
        "text": paths.text,
    }
    click.echo(console.say("probe_intro", **values))
    if any(step.costly for step in steps):
        click.echo(console.say("probe_intro_picture"))


@contextmanager
def _page(console: Console, account: Account) -> Iterator[KeptPage]:
    """Open the account's page as the server does. Raises what opening raises, after writing down what it says."""
    opener = opener_for(console.config, console.registry, as_server=True)
    with live_line() as line:
        line.show(console.say("probe_opening", id=account.id))
        try:
            page = opener(account)
        except Refusal as error:
            verdict(console.registry, account, error)
            raise
    try:
        yield page
    finally:
        page.close()


def _probe(console: Console, account: Account, page: KeptPage, steps: Sequence[Step]) -> tuple[Report, tuple[str, ...]]:
    """Run the steps and show each; return the report, and what must not stand in it."""
    config = console.config
    deletions = UpstreamDeletions.open(console.session.deletions, console.registry)
    store, site = store_of(config), site_of(config)
    visit = Visit(
        page,
        Means(
            time.time,
            pace=0.0 if site.is_local else PACE,
            put=lambda credentials, kind, data: store.put(credentials, kind, data, account.id),
            note_chat=lambda chat_id: deletions.add([SiteChat(account.id, chat_id)]),
            note_deleted=lambda chat_id: deletions.note_deleted([SiteChat(account.id, chat_id)]),
            longest=config.inline_limit,
            model_name=config.default_model,
        ),
    )
    probe = Probe(visit, time.monotonic)
    outcomes = _shown(console, probe, steps)
    if probe.stopped_by is not None:
        verdict(console.registry, account, probe.stopped_by, config.lang)
    if visit.chats:
        click.echo(console.say("probe_chats_left", count=len(visit.chats)))
    circumstances = {
        "site": "the real one" if urlsplit(config.base_url).hostname == "chat.qwen.ai" else "another address",
        "headless": config.headless,
        "driver": config.driver,
        "on_a_grid": bool(config.grid_url),
        "through_a_proxy": bool(config.proxy),
        "interrupted": probe.was_interrupted,
    }
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return Report(outcomes, probe.is_whole, __version__, day, circumstances), visit.private


def _shown(console: Console, probe: Probe, steps: Sequence[Step]) -> list[Outcome]:
    """Run the steps; show each while it runs, and what came of it."""
    outcomes: list[Outcome] = []
    with live_line() as line:

        def begin(step: Step) -> None:
            title = console.say(step.title)
            line.show(console.say("probe_doing", number=len(outcomes) + 1, count=len(steps), title=title))

        for outcome in probe.run(steps, begin):
            outcomes.append(outcome)
            line.end()
            lines = [line_of(outcome, console.config.lang)]
            if outcome.verdict != "expected":
                lines += remarks_of(outcome, console.config.lang)
            click.echo("\n".join(lines))
    return outcomes
