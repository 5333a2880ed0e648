"""`qwenproxy sandbox`: runs the stand-in of the site alone; also the child process of `start --sandbox`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from qwenproxy.browser.own_session import OUT_OF_REACH
from qwenproxy.cli.brains import BrainOptions, brain_options
from qwenproxy.cli.terminal.help import Command, help_speaker, option
from qwenproxy.errors import SetupError
from qwenproxy.texts import Speaker

if TYPE_CHECKING:
    from qwenproxy.sandbox import Sandbox

OWN_SESSION = "session/sandbox-alone"  # apart from the accounts of the real site
ENDING_WAIT = 10.0  # seconds the stand-in has to end


@dataclass(frozen=True, slots=True)
class SandboxAddress:
    """The URL of a running stand-in, and the hash of its key.

    By account id: `tokens`, valid for some minutes, and `entrances`, links that log in a browser once.
    """

    base_url: str
    spki: str
    tokens: dict[str, str]
    entrances: dict[str, str] = field(default_factory=dict)


_EXAMPLES = (
    "qwenproxy sandbox\nqwenproxy sandbox --port 8443 --json\nqwenproxy sandbox --speed 60\n"
    "qwenproxy sandbox --brain http://localhost:11434/v1 --brain-model qwen3"
)


@click.command("sandbox", cls=Command, help="help_sandbox", epilog=_EXAMPLES)
@option("--port", default=0, type=click.IntRange(0, 65535), metavar="PORT", help="help_sandbox_port")
@option("--accounts", default=1, type=click.IntRange(1, 100), metavar="N", help="help_sandbox_accounts")
@option("--speed", default=1, type=click.IntRange(1, 3600), metavar="N", help="help_sandbox_speed")
@option("--json", "as_json", is_flag=True, help="help_sandbox_json")
@option("--with-parent", is_flag=True, hidden=True)
@brain_options
def sandbox_command(port: int, accounts: int, speed: int, as_json: bool, **options: Any) -> None:
    """Run a stand-in of the site on this machine: no account, no internet."""
    say = help_speaker()
    brain = BrainOptions.take(options)
    site = _sandbox(accounts, port, brain)
    site.switches.clock_speed = speed
    try:
        site.start()
    except OSError as error:
        raise SetupError(say("sandbox_port_taken", port=port, reason=error.strerror or error)) from error
    if options["with_parent"]:
        threading.Thread(target=_end_with_input, daemon=True).start()
    tokens = {account.id: account.token for account in site.accounts}
    entrances = {account.id: site.entrance(account) for account in site.accounts}
    address = SandboxAddress(site.base_url, site.spki, tokens, entrances)

    def announce() -> None:
        if as_json:
            click.echo(json.dumps(asdict(address)))
        else:
            _show(address, say)
            if brain.url:
                click.echo(say("sandbox_brain", model=brain.model, url=brain.url))
        sys.stdout.flush()

    site.run_forever(announce)


def _show(address: SandboxAddress, say: Speaker) -> None:
    """Show how to use the running stand-in."""
    click.echo(say("sandbox_runs", url=address.base_url, accounts=", ".join(address.tokens)))
    click.echo(say("sandbox_use"))
    for account_id, token in address.tokens.items():
        click.echo(f"  qwenproxy account add --session-dir {OWN_SESSION} --id {account_id} --token {token}")
    settings = f"QWENPROXY_BASE_URL={address.base_url} QWENPROXY_BASE_URL_SPKI={address.spki}"
    click.echo(f"  {settings} qwenproxy start --session-dir {OWN_SESSION}")
    click.echo(say("sandbox_enter"))
    for account_id, entrance in address.entrances.items():
        click.echo(f"  {account_id}: {entrance}")


def _end_with_input() -> None:
    """End this process when its parent has ended, which closes standard input."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)  # not to this thread, so that it wakes the main thread


@contextmanager
def sandbox_process(accounts: int = 1, brain: BrainOptions | None = None) -> Iterator[SandboxAddress]:
    """Run the stand-in in its own process until the context ends. Raises SetupError."""
    _sandbox_module()
    command = [sys.executable, "-m", "qwenproxy", "sandbox", "--json", "--accounts", str(accounts), "--with-parent"]
    command += brain.arguments() if brain else []
    # Ctrl-C does not reach the stand-in, so that it ends after the proxy.
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **OUT_OF_REACH)
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


def _sandbox(accounts: int, port: int, brain: BrainOptions) -> Sandbox:
    module = _sandbox_module()
    model = module.Brain(brain.url, brain.model, brain.key()) if brain.url else None
    site: Sandbox = module.Sandbox(accounts=accounts, port=port, brain=model)
    return site


def _sandbox_module() -> ModuleType:
    try:
        from qwenproxy import sandbox as stand_in  # noqa: PLC0415 - a plain installation lacks this extra
    except ImportError as error:
        raise SetupError(help_speaker()("sandbox_missing", package=error.name)) from error
    return stand_in
