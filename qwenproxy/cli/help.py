"""Commands whose help is in the person's language and shows examples, and that recognise a mistyped name.

`help=` of these commands and options is a key of the catalogue, `epilog=` holds the examples, one a line.
"""

from __future__ import annotations

import copy
import functools

import click

from qwenproxy.cli.suggestions import closest
from qwenproxy.cli.texts import Speaker, speaker
from qwenproxy.config import Config
from qwenproxy.errors import ConfigError


def help_speaker() -> Speaker:
    """Return the texts in the configured language; English where the settings cannot be read."""
    try:
        return speaker(Config.load().lang)
    except ConfigError:
        return speaker("en")


class Command(click.Command):
    """A command with its help in the catalogue."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the line for the list of commands."""
        return _first_line(self)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does."""
        _write_help(self, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        _write_examples(self, formatter)


class Group(click.Group):
    """A group with its help in the catalogue, which suggests the right command for a mistyped one."""

    command_class = Command

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the line for the list of commands."""
        return _first_line(self)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the group is for."""
        _write_help(self, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        _write_examples(self, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant. Raises UsageError naming the closest one."""
        refuse_mistyped(self, ctx, args[0])
        return super().resolve_command(ctx, args)


class Option(click.Option):
    """An option with its help in the catalogue."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option's line of help."""
        worded = copy.copy(self)
        worded.help = help_speaker()(self.help) if self.help else None
        return click.Option.get_help_record(worded, ctx)


option = functools.partial(click.option, cls=Option)
session_option = option("--session-dir", metavar="DIR", help="help_session_dir")


def refuse_mistyped(group: click.Group, ctx: click.Context, name: str) -> None:
    """Raise UsageError with the closest command where `name` is none of the group's."""
    if group.get_command(ctx, name) is None and not name.startswith("-"):
        close = closest(name, group.list_commands(ctx))
        said = ("no_command_close", close) if close else ("no_command", "")
        ctx.fail(help_speaker()(said[0], name=name, close=said[1]))


def _first_line(command: click.Command) -> str:
    return help_speaker()(command.help or "").partition("\n")[0] if command.help else ""


def _write_help(command: click.Command, formatter: click.HelpFormatter) -> None:
    if command.help:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(help_speaker()(command.help).replace("\n", "\n\n"))


def _write_examples(command: click.Command, formatter: click.HelpFormatter) -> None:
    if command.epilog:
        with formatter.section(help_speaker()("help_examples")):
            formatter.write_text("\b\n" + command.epilog)
