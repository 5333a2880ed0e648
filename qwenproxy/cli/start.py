"""`qwenproxy start`: check the settings and accounts, show how to use the proxy, serve."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import click

from qwenproxy import server
from qwenproxy.access.admin import AdminKeys
from qwenproxy.access.keys import KeyFile
from qwenproxy.accounts.proxies import default_proxy
from qwenproxy.accounts.registry import Registry
from qwenproxy.assembly import refuse_sandbox_folder
from qwenproxy.cli.brains import BrainOptions, brain_options
from qwenproxy.cli.menu import show_menu
from qwenproxy.cli.sandbox import SandboxAddress, sandbox_process
from qwenproxy.cli.sandbox_logins import enter_sandbox
from qwenproxy.cli.settings import command_line, server_options
from qwenproxy.cli.terminal.help import Command, WordedUsageError, help_speaker, option
from qwenproxy.cli.terminal.progress import LiveLine, live_line
from qwenproxy.config import Config
from qwenproxy.disk.claim import SessionClaim, claimed_session, local_url, ollama_url
from qwenproxy.disk.files import ensure_folder, write_atomic
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import ConfigError, NoUsableAccount, ProxyError
from qwenproxy.observe import logs
from qwenproxy.relay.questions import Relay
from qwenproxy.server.listening import refuse_foreign_host
from qwenproxy.texts import Speaker, speaker

log = logging.getLogger(__name__)


@click.command("start", cls=Command, help="help_start", epilog="qwenproxy start --sandbox\nqwenproxy start --port 8080")
@option("--sandbox", "use_sandbox", is_flag=True, help="help_use_sandbox")
@option("--sandbox-accounts", default=1, type=click.IntRange(1, 100), metavar="N", help="help_sandbox_accounts")
@brain_options
@option("--insecure", is_flag=True, help="help_insecure")
@option("--server", "http_server", type=click.Choice(["gunicorn", "waitress"]), help="help_http_server")
@server_options
def start_command(
    use_sandbox: bool, sandbox_accounts: int, insecure: bool, http_server: str | None, **options: str | None
) -> None:
    """Start the proxy."""
    brain = BrainOptions.take(options)
    if brain.url and not use_sandbox:
        raise WordedUsageError(help_speaker()("brain_without_sandbox"))
    config = Config.load(options)
    default_proxy(config.proxy)  # raises for an address that cannot be
    logs.configure(config.log_level, config.log_format)
    # Until the server handles SIGTERM, exit through the context managers below, so that they clean up.
    ending = _Ending()
    signal.signal(signal.SIGTERM, ending)
    with contextlib.ExitStack() as stack:
        if use_sandbox:
            session = SessionFolder(config.session_dir).sandbox
            ensure_folder(config.session_dir)  # makes an existing folder private, too
            claim = stack.enter_context(claimed_session(session))
            process = sandbox_process(sandbox_accounts, brain)
            write_atomic(session.sandbox_mark, b"")
            config = _start_sandbox(stack, process, {**options, "session_dir": str(session.root)})
        else:
            refuse_sandbox_folder(config)
            claim = stack.enter_context(claimed_session(SessionFolder(config.session_dir)))
            show_menu(config)
        config = replace(config, insecure=insecure)
        start_up = _StartUp(config, claim, speaker(config.lang))
        start_up.check()
        status = server.run(
            config,
            server=http_server or "",
            ready=start_up.ready,
            warm_up=start_up.warm_up,
            signals_handled=ending.hand_over,
        )
        sys.exit(status)


def _start_sandbox(
    stack: contextlib.ExitStack,
    process: contextlib.AbstractContextManager[SandboxAddress],
    options: Mapping[str, str | None],
) -> Config:
    """Start the stand-in, log its accounts in, and return the settings with which the proxy uses it."""
    text = help_speaker()("sandbox_starting")
    with live_line() as line:
        if line.live:
            line.show(text)
        else:
            click.echo(text)
        address = stack.enter_context(process)
        config = Config.load({**options, "base_url": address.base_url, "base_url_spki": address.spki})
        enter_sandbox(config, address)
        return config


class _Ending:
    """What SIGTERM does before the server handles it."""

    def __init__(self) -> None:
        self._is_wanted = False

    def __call__(self, *_: object) -> None:
        self._is_wanted = True
        sys.exit(0)

    def hand_over(self) -> None:
        """End the server, which handles SIGTERM from now on, if that was wanted before.

        Python swallows an exit that comes up inside a weak reference's callback.
        """
        if self._is_wanted:
            signal.raise_signal(signal.SIGTERM)


@dataclass(frozen=True)
class _StartUp:
    """The messages to the person at the terminal, from the last check until the first account is ready."""

    config: Config
    claim: SessionClaim
    say: Speaker

    def check(self) -> None:
        """Check that clients and accounts can use the proxy. Raises ConfigError, NoUsableAccount, SetupError."""
        config = self.config
        if not (config.is_loopback or config.insecure or self._keys().enabled):
            refuse_foreign_host(config.host, config.port)
            command = command_line(config, "keys", "add")
            raise ConfigError(self.say("start_open", host=config.host, command=command))
        accounts, now = Registry(SessionFolder(config.session_dir)).all(), time.time()
        if any(account.status(now) != "INVALID" for account in accounts):
            return
        add = command_line(config, "account", "add")
        if accounts:
            relogin = command_line(config, "account", "relogin", accounts[0].id)
            trouble = self.say("start_no_login", relogin=relogin, add=add)
        else:
            trouble = self.say("start_no_account", add=add)
        if config.on_no_accounts == "exit":
            raise NoUsableAccount(trouble)
        click.echo(f"{trouble}\n{self.say('start_waits')}", err=True)

    def ready(self, port: int, ollama_port: int | None) -> None:
        """Record where the proxy listens, and show how to use it. `ollama_port` None: there is no second port."""
        self.claim.announce(self.config.host, port, ollama_port or 0)
        url = local_url(self.config.host, port)
        key = "YOUR-KEY" if self._keys().enabled else ""
        header = f" -H 'Authorization: Bearer {key}'" if key else ""
        click.echo(
            f"""
{self.say("start_ready", url=url)}
{self.say("start_ollama", url=ollama_url(self.config.host, port, ollama_port))}

{self.say("start_try")}

curl -N {url}/v1/chat/completions{header} -H 'Content-Type: application/json' \\
  -d '{{"model":"qwen-max","stream":true,"messages":[{{"role":"user","content":"Hello!"}}]}}'

{self.say("start_sdk")}

from openai import OpenAI
client = OpenAI(base_url="{url}/v1", api_key="{key or "not-needed"}")
answer = client.chat.completions.create(model="qwen-max", messages=[{{"role": "user", "content": "Hello!"}}])
print(answer.choices[0].message.content)
"""
        )
        if self.config.admin:
            click.echo(f"{self._dashboard(url)}\n")
        if key:
            command = command_line(self.config, "keys", "list", "--show")
            click.echo(f"{self.say('start_key', key=key, command=command)}\n")
        sys.stdout.flush()

    def _dashboard(self, url: str) -> str:
        """Return the sentence with the dashboard's address; with the key in it only for a person's eyes."""
        file = SessionFolder(self.config.session_dir).admin_key
        if not sys.stdout.isatty():  # a log may keep what we print
            return self.say("start_dashboard_key", url=f"{url}/ui/", path=file)
        return self.say("start_dashboard", url=f"{url}/ui/#key={AdminKeys.open(file).first()}")

    def warm_up(self, relay: Relay) -> None:
        """Open the first account's browser; on a terminal, say when it is ready."""
        line, started_at = LiveLine(), time.monotonic()
        try:
            account_id = relay.warm_up(opening=lambda opening_id: line.show(self.say("start_opening", id=opening_id)))
        except ProxyError as error:
            line.end()
            log.warning("no browser opened yet: %s", error.message)
            return
        line.end()
        if line.live:
            seconds = f"{time.monotonic() - started_at:.1f}"
            click.echo(self.say("start_opened", id=account_id, seconds=seconds))

    def _keys(self) -> KeyFile:
        return KeyFile.open(SessionFolder(self.config.session_dir).keys)
