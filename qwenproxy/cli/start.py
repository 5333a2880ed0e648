"""`qwenproxy start`: check, show how to use it, serve."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from pathlib import Path

import click

from qwenproxy import logs, server
from qwenproxy.accounts.registry import Registry
from qwenproxy.cli.menu import show_menu
from qwenproxy.cli.sandbox import sandbox_process
from qwenproxy.cli.settings import server_options
from qwenproxy.config import Config
from qwenproxy.errors import ConfigError, NoUsableAccount
from qwenproxy.keys import KeyFile


@click.command()
@click.option("--sandbox", "use_sandbox", is_flag=True, help="Use a stand-in of the site: no account, no internet.")
@click.option("--sandbox-accounts", default=1, type=click.IntRange(1, 100), help="Accounts of the stand-in.")
@click.option("--insecure", is_flag=True, help="Listen beyond this machine without any API key.")
@click.option("--server", "http_server", type=click.Choice(["gunicorn", "waitress"]), help="HTTP server to run under.")
@server_options
def start(
    use_sandbox: bool, sandbox_accounts: int, insecure: bool, http_server: str | None, **options: str | None
) -> None:
    """Start the proxy."""
    config = Config.load(options)
    logs.configure(config.log_level)
    # Until the server takes the signal over: an orderly end, so that what was begun here is undone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.ExitStack() as stack:
        if use_sandbox:
            folder = str(config.session_dir / "sandbox")
            stack.enter_context(server.claimed_session(Path(folder)))
            click.echo("Starting the stand-in of the site ...")
            address = stack.enter_context(sandbox_process(sandbox_accounts))
            told = {"base_url": address.base_url, "base_url_spki": address.spki, "session_dir": folder}
            config = Config.load({**options, **told})
            _register(config, address.tokens)
        else:
            stack.enter_context(server.claimed_session(config.session_dir))
            show_menu(config)
        _check(config, insecure)
        sys.exit(server.run(config, server=http_server or "", ready=lambda port: _show_ready(config, port)))


def _register(config: Config, tokens: dict[str, str]) -> None:
    registry = Registry(config.session_dir)
    known = {account.id for account in registry.all()}
    for account_id in known - tokens.keys():
        registry.remove(account_id)
    for account_id, token in tokens.items():
        if account_id in known:
            registry.renew(account_id, token)
        else:
            registry.add(token, account_id)


def _check(config: Config, insecure: bool) -> None:
    keys = KeyFile(config.session_dir / "Authorization.txt")
    if not (config.is_loopback or insecure or keys.enabled):
        raise ConfigError(
            f"HOST {config.host} lets other machines in, and no API key is set. Make one with "
            f'"qwenproxy keys add --session-dir {config.session_dir}", '
            "or start with --insecure if every one of them may use your accounts."
        )
    now = time.time()
    accounts = Registry(config.session_dir).all()
    if not any(account.status(now) != "INVALID" for account in accounts) and config.on_no_accounts == "exit":
        raise NoUsableAccount("There is no usable account. Add one: qwenproxy account add")


def _show_ready(config: Config, port: int) -> None:
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    click.echo(
        f"""
qwenproxy listens on {url}   (stop it with Ctrl-C)

Try it from another terminal:

curl -N {url}/v1/chat/completions -H 'Content-Type: application/json' \\
  -d '{{"model":"qwen-max","stream":true,"messages":[{{"role":"user","content":"Hello!"}}]}}'

or with the OpenAI SDK:

from openai import OpenAI
client = OpenAI(base_url="{url}/v1", api_key="not-needed")
answer = client.chat.completions.create(model="qwen-max", messages=[{{"role": "user", "content": "Hello!"}}])
print(answer.choices[0].message.content)
"""
    )
    sys.stdout.flush()
