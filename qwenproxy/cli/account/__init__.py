"""`qwenproxy account`: accounts come, go and travel, are listed and checked, and their settings (contract 5)."""

from __future__ import annotations

import click

from qwenproxy.cli.terminal.help import session_option
from qwenproxy.cli.terminal.lazy import LazyGroup, Place
from qwenproxy.config import Config

PLACES = {
    "add": Place("qwenproxy.cli.account.login:add_command", "help_account_add"),
    "relogin": Place("qwenproxy.cli.account.login:relogin_command", "help_account_relogin"),
    "remove": Place("qwenproxy.cli.account.remove:remove_command", "help_account_remove"),
    "list": Place("qwenproxy.cli.account.list:list_command", "help_account_list"),
    "check": Place("qwenproxy.cli.account.check:check_command", "help_account_check"),
    "export": Place("qwenproxy.cli.account.moving:export_command", "help_account_export"),
    "import": Place("qwenproxy.cli.account.moving:import_command", "help_account_import"),
    "proxy": Place("qwenproxy.cli.account.proxy:proxy_command", "help_account_proxy"),
    "settings": Place("qwenproxy.cli.account.settings:settings_command", "help_account_settings"),
}


@click.group(
    "account",
    cls=LazyGroup,
    places=PLACES,
    help="help_account",
    epilog="qwenproxy account add\nqwenproxy account list",
)
@session_option
@click.pass_context
def account_group(ctx: click.Context, session_dir: str | None) -> None:
    """Read the settings for the command."""
    ctx.obj = Config.load({"session_dir": session_dir})
