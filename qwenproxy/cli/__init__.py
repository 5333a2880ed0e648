"""The command line: the group of all commands, and the place where errors become a line and an exit status."""

from __future__ import annotations

import io
import os
import sys

import click

from qwenproxy import __version__
from qwenproxy.cli.terminal.help import Option, help_speaker
from qwenproxy.cli.terminal.lazy import LazyGroup, Place
from qwenproxy.cli.terminal.usage_errors import show_usage_error
from qwenproxy.config import language
from qwenproxy.errors import ProxyError, SetupError

EXAMPLES = """qwenproxy start --sandbox
qwenproxy account add
qwenproxy
qwenproxy doctor"""

PLACES = {
    "start": Place("qwenproxy.cli.start:start_command", "help_start"),
    "account": Place("qwenproxy.cli.account:account_group", "help_account"),
    "keys": Place("qwenproxy.cli.keys:keys_group", "help_keys"),
    "connect": Place("qwenproxy.cli.connect:connect_command", "help_connect"),
    "image": Place("qwenproxy.cli.image:image_command", "help_image"),
    "speech": Place("qwenproxy.cli.speech:speech_command", "help_speech"),
    "dashboard": Place("qwenproxy.cli.dashboard:dashboard_command", "help_dashboard"),
    "doctor": Place("qwenproxy.cli.doctor:doctor_command", "help_doctor"),
    "sandbox": Place("qwenproxy.cli.sandbox:sandbox_command", "help_sandbox"),
    "config": Place("qwenproxy.cli.settings:config_command", "help_config"),
}


class _Group(LazyGroup):
    """Runs `start` where the line names no command, also with options alone: `qwenproxy --sandbox`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not any(arg in PLACES for arg in args) and not {"--help", "-h", "--version"} & set(args[:1]):
            is_mistyped = args and not args[0].startswith("-")
            args = args if is_mistyped else ["start", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Group,
    places=PLACES,
    help="help_top",
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="qwenproxy", cls=Option, help="help_version")
def cli() -> None:
    """Run a command."""


def main() -> None:
    """Run the command line. Exit status: 0 ok, 1 failure, 2 usage or setting, 3 no usable account."""
    # A parent process may have closed these streams; output then goes nowhere.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - open to the end
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Show question marks on a terminal without emoji or Cyrillic, instead of failing.
            stream.reconfigure(errors="replace")
    try:
        sys.exit(cli(prog_name="qwenproxy", standalone_mode=False) or 0)
    except click.ClickException as error:
        show_usage_error(error, help_speaker())
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo(help_speaker()("stopped"), err=True)
        sys.exit(1)
    except ProxyError as error:
        click.echo(error.say(language()), err=True)
        sys.exit(error.exit_code if isinstance(error, SetupError) else 1)
