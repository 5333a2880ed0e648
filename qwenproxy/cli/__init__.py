"""The command line: the group, and the one place where errors become a line and an exit status."""

from __future__ import annotations

import io
import sys

import click

from qwenproxy import __version__
from qwenproxy.cli.account import account
from qwenproxy.cli.doctor import doctor
from qwenproxy.cli.help import refuse_mistyped
from qwenproxy.cli.keys import keys
from qwenproxy.cli.sandbox import sandbox
from qwenproxy.cli.settings import config
from qwenproxy.cli.start import start
from qwenproxy.errors import ProxyError, SetupError


class _Group(click.Group):
    """Runs `start` when no command is named, also with options alone: `qwenproxy --sandbox`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not any(arg in self.commands for arg in args) and not {"--help", "-h", "--version"} & set(args[:1]):
            mistyped = args and not args[0].startswith("-")
            args = args if mistyped else ["start", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        refuse_mistyped(self, ctx, args[0])
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qwenproxy")
def cli() -> None:
    """A local OpenAI-compatible endpoint for the Qwen chat site, through your own logged-in browser.

    Without a command: the same as "qwenproxy start".
    """


for command in (start, account, keys, doctor, sandbox, config):
    cli.add_command(command)


def main() -> None:
    """Run the command line. Exit status: 0 ok, 1 failure, 2 usage or setting, 3 no usable account."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without emoji or Cyrillic shows question marks; it is no reason to fail.
            stream.reconfigure(errors="replace")
    try:
        sys.exit(cli(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(1)
    except SetupError as error:
        click.echo(error.message, err=True)
        sys.exit(error.exit_code)
    except ProxyError as error:
        click.echo(error.message, err=True)
        sys.exit(1)
