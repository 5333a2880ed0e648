"""`qwenproxy doctor`: checks everything the proxy needs, and says what to do about each problem."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson
import requests

from qwenproxy.accounts.account import Account, is_verify, needs_person
from qwenproxy.accounts.proxies import UNREADABLE
from qwenproxy.assembly import build_relay, opener_for
from qwenproxy.chat import ChatRequest, Message, Text, TextPart
from qwenproxy.cli.account.notes import settings_finding
from qwenproxy.cli.account.proxy import proxies_of, proxy_text
from qwenproxy.cli.console import Console, open_console, status_text
from qwenproxy.cli.finding import Finding
from qwenproxy.cli.findings import (
    browser_findings,
    clock_finding,
    door_findings,
    folder_findings,
    ollama_port_findings,
    port_finding,
    profile_findings,
    sandbox_findings,
    screen_findings,
)
from qwenproxy.cli.keys import read_keys
from qwenproxy.cli.own_server import own_session
from qwenproxy.cli.probe import ProbeWish, probe_site
from qwenproxy.cli.session import server_of
from qwenproxy.cli.terminal.help import Command, WordedUsageError, option, session_option
from qwenproxy.cli.terminal.progress import live_line
from qwenproxy.config import Config
from qwenproxy.disk.claim import RunningServer
from qwenproxy.errors import ProxyError, SetupError, StorageError
from qwenproxy.logins.check import Check, check_account

EXAMPLES = "qwenproxy doctor\nqwenproxy doctor --roundtrip\nqwenproxy doctor --probe --report what-the-site-speaks"
QUESTION = "Answer with the single word: ready"
_REMEDIES = {
    "unreachable": "doctor_unreachable_remedy",
    "disk": "doctor_disk_remedy",
    "lost": "doctor_lost_remedy",
}
CONNECT_WAIT = 5.0  # seconds for a running server to accept the connection


@click.command("doctor", cls=Command, help="help_doctor", epilog=EXAMPLES)
@click.argument("account_id", metavar="[ID]", required=False)
@option("--roundtrip", is_flag=True, help="help_roundtrip")
@option("--probe", is_flag=True, help="help_probe")
@option("--report", metavar="FILE", type=click.Path(path_type=Path), help="help_probe_report")
@option("--all", "costly", is_flag=True, help="help_probe_all")
@option("--yes", is_flag=True, help="help_probe_yes")
@session_option
def doctor_command(roundtrip: bool, probe: bool, session_dir: str | None, **wish: Any) -> None:
    """Print the findings as they come; exit with 1 when something is wrong."""
    config = Config.load({"session_dir": session_dir})
    console = open_console(config)
    if probe:
        asks = not wish.pop("yes")
        sys.exit(probe_site(console, ProbeWish(asks=asks, **wish)))
    if any(wish.values()):
        raise WordedUsageError(console.say("probe_only_with"))
    levels = []
    for finding in _findings(console, roundtrip):
        click.echo(str(finding))
        levels.append(finding.level)
    problems, warnings = levels.count("wrong"), levels.count("warning")
    if problems:
        click.echo(console.say("doctor_wrong", count=problems))
    else:
        click.echo(console.say("doctor_warning", count=warnings) if warnings else console.say("doctor_fine"))
    sys.exit(1 if problems else 0)


def _findings(console: Console, roundtrip: bool) -> Iterator[Finding]:
    server = server_of(console.session)
    browser = [*browser_findings(console), *screen_findings(console)]
    yield from browser
    yield from folder_findings(console)
    yield from sandbox_findings(console)
    yield port_finding(console, server)
    yield from ollama_port_findings(console, server)
    yield from door_findings(console)
    yield from profile_findings(console)
    if not console.accounts():
        yield Finding("wrong", console.say("menu_no_accounts"), console.command("account", "add"))
    elif not any(finding.level == "wrong" for finding in browser):
        yield from _account_findings(console)
    if any(finding.level == "wrong" for finding in browser):
        return  # asking the model needs a browser
    if roundtrip:
        yield _roundtrip_finding(console, server)


def _account_findings(console: Console) -> Iterator[Finding]:
    accounts = console.accounts()
    opener = opener_for(console.config, console.registry)
    clock_error, any_in_use, any_asked = None, False, False
    for number, account in enumerate(accounts, 1):
        with live_line() as line:
            line.show(console.say("checking", id=account.id, number=number, count=len(accounts)))
            result = check_account(console.registry, opener, account, console.config.lang)
        clock_error = result.clock_error if clock_error is None else clock_error
        any_in_use = any_in_use or result.kind == "in_use"
        any_asked = any_asked or result.kind == "verify" or _is_asked(console, account)
        yield _account_finding(console, account, result)
        if proxies_of(console).shown(account.id) != UNREADABLE and (text := proxy_text(console, account.id)):
            yield Finding("ok", text)  # what is wrong with one that cannot be read is said above
        if (finding := settings_finding(console, account.id)) and result.kind in ("ok", "in_use"):
            yield finding
    if any_asked and console.config.headless == "1" and sys.platform.startswith("linux"):
        remedy = console.say("doctor_headless_asked_remedy")
        yield Finding("warning", console.say("doctor_headless_asked"), remedy)
    yield clock_finding(console, clock_error, in_use=any_in_use)


def _is_asked(console: Console, account: Account) -> bool:
    """Tell whether the site asked the account for a human check and nobody has passed it yet."""
    record = console.registry.get(account.id)
    return record is not None and is_verify(record, time.time())


def _account_finding(console: Console, account: Account, result: Check) -> Finding:
    """Return what the site and the registry say about an account."""
    now = time.time()
    record = console.registry.get(account.id) or account  # a running server may have updated it
    answer = console.say(f"check_{result.kind}", id=account.id, detail=result.detail)
    if result.kind == "browser":
        return Finding("wrong", f"{account.id}: {console.say('doctor_browser_fails')}", result.detail)
    if result.kind in _REMEDIES:
        is_there = result.kind == "unreachable" and console.config.grid_url
        key = "doctor_unreachable_grid_remedy" if is_there else _REMEDIES[result.kind]
        remedy = console.say(key, url=console.config.base_url)
        return Finding("wrong", f"{account.id}: {answer}", remedy)
    if record.status(now) == "OK" and result.kind in ("ok", "in_use"):
        return Finding("ok", f"{account.id}: {answer}")
    text = f"{account.id}: {status_text(record, console.say, now)} - {answer}"
    if needs_person(record, now) or result.kind in ("invalid", "verify"):
        return Finding("wrong", text, console.command("account", "relogin", account.id))
    return Finding("warning", text, console.say("doctor_limited_remedy", command=console.command("account", "add")))


def _roundtrip_finding(console: Console, server: RunningServer | None) -> Finding:
    """Ask the model one question, streamed: through the running server, else through our own browser."""
    if server is not None and not server.url:
        return Finding("wrong", console.say("doctor_roundtrip_early"), console.say("doctor_roundtrip_early_remedy"))
    started_at = time.monotonic()
    try:
        pieces = 0
        first_after = 0.0
        with live_line() as line:
            line.show(console.say("doctor_asking"))
            for _ in _ask_relay(console.config) if server is None else _ask_server(console, server.url):
                first_after = first_after or time.monotonic() - started_at
                pieces += 1
        if not pieces:
            raise SetupError(console.say("doctor_roundtrip_empty"))
    except (ProxyError, requests.RequestException) as error:
        reason = error.say(console.config.lang) if isinstance(error, ProxyError) else type(error).__name__
        text = console.say("doctor_roundtrip_failed", reason=reason)
        remedy = "doctor_disk_remedy" if isinstance(error, StorageError) else "doctor_roundtrip_remedy"
        return Finding("wrong", text, console.say(remedy))
    first, took = f"{first_after:.1f}", f"{time.monotonic() - started_at:.1f}"
    return Finding("ok", console.say("doctor_roundtrip", first=first, took=took, pieces=pieces))


def _ask_relay(config: Config) -> Iterator[str]:
    relay = build_relay(replace(config, spare_chats=False))  # one question needs no chat for a next one
    try:
        run = relay.open(ChatRequest((Message("user", (TextPart(QUESTION),)),), streamed=True))
        try:
            yield from (event.text for event in run if isinstance(event, Text))
        finally:
            run.close()
    finally:
        relay.close()


def _ask_server(console: Console, url: str) -> Iterator[str]:
    config = console.config
    keys = read_keys(config)
    headers = {"Authorization": f"Bearer {keys[0]}"} if keys else {}
    body = {"stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    waits = (CONNECT_WAIT, config.stall_timeout)
    with own_session() as session:
        completions = f"{url}/v1/chat/completions"
        with session.post(completions, json=body, headers=headers, stream=True, timeout=waits) as answer:
            if answer.status_code != 200:
                raise SetupError(f"HTTP {answer.status_code} {answer.text[:200]}")
            yield from _texts(console, answer)


def _texts(console: Console, answer: requests.Response) -> Iterator[str]:
    for line in answer.iter_lines():
        if line == b"data: [DONE]":
            return
        if line.startswith(b"data: "):
            frame = orjson.loads(line[6:])
            if "error" in frame:
                raise SetupError(str(frame["error"].get("message")))
            for choice in frame["choices"]:
                if choice["delta"].get("content"):
                    yield choice["delta"]["content"]
    raise SetupError(console.say("doctor_roundtrip_broken"))
