"""`qwenproxy doctor`: look at everything the proxy needs, and say of each trouble what to do about it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import click
import orjson
import requests

from qwenproxy.accounts.account import Account
from qwenproxy.assembly import build_relay, opener_for
from qwenproxy.chat import ChatRequest, Message, Text, TextPart
from qwenproxy.cli.console import Console, needs_person, open_console, status_text
from qwenproxy.cli.findings import (
    Finding,
    browser_findings,
    clock_finding,
    door_findings,
    folder_findings,
    port_finding,
    profile_findings,
)
from qwenproxy.cli.keys import known_keys
from qwenproxy.cli.session import server_of
from qwenproxy.cli.terminal.help import Command, option, session_option
from qwenproxy.cli.terminal.progress import live_line
from qwenproxy.config import Config
from qwenproxy.disk.claim import RunningServer
from qwenproxy.errors import ProxyError, SetupError, StorageError
from qwenproxy.logins.check import Check, check_account

QUESTION = "Answer with the single word: ready"
_UNASKED = {
    "unreachable": "doctor_unreachable_remedy",
    "disk": "doctor_disk_remedy",
    "lost": "doctor_lost_remedy",
}
CONNECT_WAIT = 5.0  # seconds for a running server to take the connection


@click.command(cls=Command, help="help_doctor", epilog="qwenproxy doctor\nqwenproxy doctor --roundtrip")
@option("--roundtrip", is_flag=True, help="help_roundtrip")
@session_option
def doctor(roundtrip: bool, session_dir: str | None) -> None:
    """Look at everything, print each finding as it comes, end with 1 when something is wrong."""
    config = Config.load({"session_dir": session_dir})
    console = open_console(config)
    levels = []
    for finding in _findings(console, roundtrip):
        click.echo(str(finding))
        levels.append(finding.level)
    wrong, noted = levels.count("wrong"), levels.count("warning")
    if wrong:
        click.echo(console.say("doctor_wrong", count=wrong))
    else:
        click.echo(console.say("doctor_warning", count=noted) if noted else console.say("doctor_fine"))
    sys.exit(1 if wrong else 0)


def _findings(console: Console, roundtrip: bool) -> Iterator[Finding]:
    server = server_of(console.session)
    browser = list(browser_findings(console))
    yield from browser
    yield from folder_findings(console)
    yield port_finding(console, server)
    yield from door_findings(console)
    yield from profile_findings(console)
    if not console.accounts():
        yield Finding("wrong", console.say("menu_no_accounts"), console.command("account", "add"))
    elif all(finding.level == "ok" for finding in browser):
        yield from _account_findings(console)
    if any(finding.level == "wrong" for finding in browser):
        return  # neither accounts nor model can be asked without a browser
    if roundtrip:
        yield _roundtrip_finding(console, server)


def _account_findings(console: Console) -> Iterator[Finding]:
    accounts = console.accounts()
    opener = opener_for(console.config, console.registry)
    clock_error, held = None, False
    for number, account in enumerate(accounts, 1):
        with live_line() as line:
            line.show(console.say("checking", id=account.id, number=number, count=len(accounts)))
            result = check_account(console.registry, opener, account, console.config.lang)
        clock_error = result.clock_error if clock_error is None else clock_error
        held = held or result.kind == "in_use"
        yield _account_finding(console, account, result)
    yield clock_finding(console, clock_error, held=held)


def _account_finding(console: Console, account: Account, result: Check) -> Finding:
    """Tell what the site said of an account, and what the registry says of it by now: a server may know it best."""
    now = time.time()
    record = console.registry.get(account.id) or account
    said = console.say(f"check_{result.kind}", id=account.id, detail=result.detail)
    if result.kind == "browser":
        return Finding("wrong", f"{account.id}: {console.say('doctor_browser_fails')}", result.detail)
    if result.kind in _UNASKED:
        remedy = console.say(_UNASKED[result.kind], url=console.config.base_url)
        return Finding("wrong", f"{account.id}: {said}", remedy)
    if record.status(now) == "OK" and result.kind in ("ok", "in_use"):
        return Finding("ok", f"{account.id}: {said}")
    text = f"{account.id}: {status_text(record, console.say, now)} - {said}"
    if needs_person(record, now) or result.kind in ("invalid", "verify"):
        return Finding("wrong", text, console.command("account", "relogin", account.id))
    return Finding("warning", text, console.say("doctor_limited_remedy", command=console.command("account", "add")))


def _roundtrip_finding(console: Console, server: RunningServer | None) -> Finding:
    """Ask the model one question, streamed: through the running server, else through a browser of our own."""
    if server is not None and not server.url:
        return Finding("wrong", console.say("doctor_roundtrip_early"), console.say("doctor_roundtrip_early_remedy"))
    started = time.monotonic()
    try:
        pieces = 0
        first = 0.0
        with live_line() as line:
            line.show(console.say("doctor_asking"))
            for _ in _ask_relay(console.config) if server is None else _ask_server(console, server.url):
                first = first or time.monotonic() - started
                pieces += 1
        if not pieces:
            raise SetupError(console.say("doctor_roundtrip_empty"))
    except (ProxyError, requests.RequestException) as error:
        reason = error.say(console.config.lang) if isinstance(error, ProxyError) else type(error).__name__
        said = console.say("doctor_roundtrip_failed", reason=reason)
        remedy = "doctor_disk_remedy" if isinstance(error, StorageError) else "doctor_roundtrip_remedy"
        return Finding("wrong", said, console.say(remedy))
    took = time.monotonic() - started
    return Finding("ok", console.say("doctor_roundtrip", first=f"{first:.1f}", took=f"{took:.1f}", pieces=pieces))


def _ask_relay(config: Config) -> Iterator[str]:
    relay = build_relay(config)
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
    keys = known_keys(config)
    headers = {"Authorization": f"Bearer {keys[0]}"} if keys else {}
    body = {"stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    patience = (CONNECT_WAIT, config.stall_timeout)
    with requests.Session() as direct:
        direct.trust_env = False  # straight to this machine, whatever proxy the environment names
        completions = f"{url}/v1/chat/completions"
        with direct.post(completions, json=body, headers=headers, stream=True, timeout=patience) as answer:
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
