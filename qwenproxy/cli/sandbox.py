"""`qwenproxy sandbox`: run the stand-in of the site alone; and the child process that `start --sandbox` uses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from qwenproxy.errors import SetupError

if TYPE_CHECKING:
    from qwenproxy.sandbox import Sandbox

ENDING_WAIT = 10.0  # seconds the stand-in gets to end


@dataclass(frozen=True, slots=True)
class SandboxAddress:
    """Where a running stand-in is: its URL, the hash of its key, and account ids with their tokens."""

    base_url: str
    spki: str
    tokens: dict[str, str]


@click.command()
@click.option("--port", default=0, show_default="a free one", help="Port to listen on.")
@click.option("--accounts", default=1, show_default=True, type=click.IntRange(1, 100), help="Accounts it knows.")
@click.option("--json", "as_json", is_flag=True, help="Print the address as one line of JSON and no advice.")
def sandbox(port: int, accounts: int, as_json: bool) -> None:
    """Run a stand-in of the site on this machine: no account, no internet."""
    site = _sandbox_class()(accounts=accounts, port=port)
    site.start()
    tokens = {account.id: account.token for account in site.accounts}
    if as_json:
        click.echo(json.dumps({"base_url": site.base_url, "spki": site.spki, "tokens": tokens}))
    else:
        click.echo(f"The stand-in of the site runs at {site.base_url} with {accounts} account(s).")
        click.echo("To use it from another terminal:")
        click.echo(f"  QWENPROXY_BASE_URL={site.base_url} QWENPROXY_BASE_URL_SPKI={site.spki} qwenproxy start")
    sys.stdout.flush()
    site.run_forever()


@contextmanager
def sandbox_process(accounts: int = 1) -> Iterator[SandboxAddress]:
    """Run the stand-in in a process of its own for as long as the context lasts. Raises SetupError."""
    _sandbox_class()
    command = [sys.executable, "-m", "qwenproxy", "sandbox", "--json", "--accounts", str(accounts)]
    # A session of its own: Ctrl-C is ours to handle, and the stand-in ends after the proxy.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SetupError("The stand-in of the site did not start; its own message is above.")
        yield SandboxAddress(**json.loads(line))
    finally:
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
        raise SetupError(
            f"The stand-in needs packages that are not installed ({error.name}): pip install 'qwenproxy[sandbox]'"
        ) from error
    return stand_in.Sandbox
