"""`qwenproxy sandbox`: run the stand-in of the site alone; and the child process that `start --sandbox` uses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from qwenproxy.cli.help import Command, help_speaker, option
from qwenproxy.errors import SetupError

if TYPE_CHECKING:
    from qwenproxy.sandbox import Sandbox

OWN_SESSION = "session/sandbox-alone"  # the stand-in is no place for accounts of the site
ENDING_WAIT = 10.0  # seconds the stand-in gets to end


@dataclass(frozen=True, slots=True)
class SandboxAddress:
    """Where a running stand-in is: its URL, the hash of its key, and account ids with their tokens."""

    base_url: str
    spki: str
    tokens: dict[str, str]


@click.command(cls=Command, help="help_sandbox", epilog="qwenproxy sandbox\nqwenproxy sandbox --port 8443 --json")
@option("--port", default=0, type=click.IntRange(0, 65535), metavar="PORT", help="help_sandbox_port")
@option("--accounts", default=1, type=click.IntRange(1, 100), metavar="N", help="help_sandbox_accounts")
@option("--json", "as_json", is_flag=True, help="help_sandbox_json")
@option("--with-parent", is_flag=True, hidden=True)
def sandbox(port: int, accounts: int, as_json: bool, with_parent: bool) -> None:
    """Run a stand-in of the site on this machine: no account, no internet."""
    say = help_speaker()
    site = _sandbox_class()(accounts=accounts, port=port)
    try:
        site.start()
    except OSError as error:
        raise SetupError(say("sandbox_port_taken", port=port, reason=error.strerror or error)) from error
    if with_parent:
        threading.Thread(target=_end_with_input, daemon=True).start()
    tokens = {account.id: account.token for account in site.accounts}
    if as_json:
        click.echo(json.dumps({"base_url": site.base_url, "spki": site.spki, "tokens": tokens}))
    else:
        click.echo(say("sandbox_runs", url=site.base_url, accounts=", ".join(tokens)))
        click.echo(say("sandbox_use"))
        for account_id, token in tokens.items():
            click.echo(f"  qwenproxy account add --session-dir {OWN_SESSION} --id {account_id} --token {token}")
        address = f"QWENPROXY_BASE_URL={site.base_url} QWENPROXY_BASE_URL_SPKI={site.spki}"
        click.echo(f"  {address} qwenproxy start --session-dir {OWN_SESSION}")
    sys.stdout.flush()
    site.run_forever()


def _end_with_input() -> None:
    """Wait until whoever started this process is gone, however it went, and follow."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)  # to the process, so that the waiting main thread hears it


@contextmanager
def sandbox_process(accounts: int = 1) -> Iterator[SandboxAddress]:
    """Run the stand-in in a process of its own for as long as the context lasts. Raises SetupError."""
    _sandbox_class()
    command = [sys.executable, "-m", "qwenproxy", "sandbox", "--json", "--accounts", str(accounts), "--with-parent"]
    # A session of its own: Ctrl-C is ours to handle, and the stand-in ends after the proxy.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SetupError(help_speaker()("sandbox_failed"))
        yield SandboxAddress(**json.loads(line))
    finally:
        if process.stdin:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(ENDING_WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _sandbox_class() -> type[Sandbox]:
    try:
        from qwenproxy import sandbox as stand_in  # noqa: PLC0415 - an extra that a plain installation lacks
    except ImportError as error:
        raise SetupError(help_speaker()("sandbox_missing", package=error.name)) from error
    return stand_in.Sandbox
