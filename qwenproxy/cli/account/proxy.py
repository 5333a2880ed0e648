"""`qwenproxy account proxy`: the outgoing proxy of an account, shown without its password, set or cleared.

Also reads the address that `account add --proxy` gets. Opens no connection: the start of the browser tries the proxy.
"""

from __future__ import annotations

import sys

import click

from qwenproxy.accounts.proxies import Proxies, default_proxy
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.cli.console import Console, find_account, is_interactive, open_console
from qwenproxy.cli.session import late_session_option, server_of
from qwenproxy.cli.terminal.asking import ask_hidden
from qwenproxy.cli.terminal.help import Command, option
from qwenproxy.config import Config
from qwenproxy.errors import SetupError

EXAMPLES = (
    "qwenproxy account proxy acc_1 socks5://anna:s3cret@proxy.example:1080\n"
    "qwenproxy account proxy acc_1 - <proxy.txt\n"
    "qwenproxy account proxy acc_1 --clear"
)


@click.command("proxy", cls=Command, help="help_account_proxy", epilog=EXAMPLES)
@click.argument("account_id", metavar="ID")
@click.argument("url", metavar="[URL]", required=False)
@option("--clear", is_flag=True, help="help_proxy_clear")
@late_session_option
@click.pass_obj
def proxy_command(config: Config, account_id: str, url: str | None, clear: bool) -> None:
    """Show, set or clear an account's proxy."""
    console = open_console(config)
    if url is not None and clear:
        raise click.UsageError(console.say("proxy_url_and_clear"))
    account = find_account(console, account_id)
    if url is not None or clear:
        proxies_of(console).change(account.id, None if url is None else read_proxy(console, url))
    click.echo(proxy_text(console, account.id) or console.say("proxy_none", id=account.id))
    if (url is not None or clear) and server_of(console.session):
        click.echo(console.say("proxy_reopens"))


def proxies_of(console: Console) -> Proxies:
    """Return the accounts' proxies. Raises ConfigError."""
    return Proxies(console.registry, default_proxy(console.config.proxy))


def read_proxy(console: Console, url: str) -> ProxyAddress:
    """Return the proxy that a person names; `-` asks for it, or reads a line. Raises UsageError, click.Abort."""
    if url == "-":
        url = ask_hidden(console.say("proxy_question")) if is_interactive() else sys.stdin.readline()
    try:
        return ProxyAddress.parse(url)
    except SetupError as error:
        raise click.UsageError(error.say(console.config.lang)) from error


def proxy_text(console: Console, account_id: str) -> str:
    """Return the line on an account's proxy, without user and password; "" for none. Raises ConfigError."""
    proxies = proxies_of(console)
    try:
        own = proxies.own(account_id)
    except SetupError:
        return console.say("proxy_unreadable_of", id=account_id)
    used = own or proxies.default
    if used is None:
        return ""
    line = console.say("proxy_own" if own else "proxy_default", id=account_id, proxy=used)
    return f"{line}. {console.say('proxy_not_on_grid')}" if used.user and console.config.grid_url else line
