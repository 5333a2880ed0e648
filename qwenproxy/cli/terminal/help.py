"""Commands whose help is in the person's language and shows examples, and that recognise a mistyped name.

`help=` of these commands and options is a key of the catalogue, `epilog=` holds the examples, one a line.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from contextlib import contextmanager

import click

from qwenproxy.cli.terminal.suggestions import closest
from qwenproxy.config import PREFIX, SETTINGS, language
from qwenproxy.texts import Speaker, speaker


def help_speaker() -> Speaker:
    """Return the texts in the person's language, also where settings cannot be read."""
    return speaker(language())


class Formatter(click.HelpFormatter):
    """Writes click's own headings in the person's language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line that shows how the command is called."""
        super().write_usage(prog, args, prefix or f"{help_speaker()('help_usage')} ")

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Write a heading and what belongs to it."""
        say = help_speaker()
        headings = {"Options": say("help_options"), "Commands": say("help_commands")}
        with super().section(headings.get(name, name)):
            yield


class WordedUsageError(click.UsageError):
    """A usage error that is told in the person's language already."""


class Context(click.Context):
    """A command's context that writes help with our formatter."""

    formatter_class = Formatter


class Command(click.Command):
    """A command with its help in the catalogue."""

    context_class = Context
    allow_extra_args = True  # they are refused here, in the person's language

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take in what was typed behind the command. Raises UsageError, which knows the command."""
        try:
            rest = super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise
        if rest and not isinstance(self, click.Group) and not ctx.resilient_parsing:
            raise WordedUsageError(help_speaker()("usage_extra", words=" ".join(rest)), ctx)
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return what stands behind the command's name where it is shown how to call it."""
        say = help_speaker()
        worded = {"[OPTIONS]": say("help_place_options"), "COMMAND [ARGS]...": say("help_place_command")}
        return [worded.get(piece, piece) for piece in super().collect_usage_pieces(ctx)]

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the line for the list of commands."""
        return help_speaker()(self.help).partition("\n")[0] if self.help else ""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option --help, explained in the person's language."""
        found = super().get_help_option(ctx)
        if found is not None:
            found.help = help_speaker()("help_help")
        return found

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does."""
        if self.help:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(help_speaker()(self.help).replace("\n", "\n\n"))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        if self.epilog:
            with formatter.section(help_speaker()("help_examples")):
                formatter.write_text("\b\n" + self.epilog)


class Group(Command, click.Group):
    """A group with its help in the catalogue, which suggests the right command for a mistyped one."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant. Raises UsageError naming the closest one."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            close = closest(name, self.list_commands(ctx))
            said = ("no_command_close", close) if close else ("no_command", "")
            raise WordedUsageError(help_speaker()(said[0], name=name, close=said[1]), ctx)
        return super().resolve_command(ctx, args)


class Option(click.Option):
    """An option with its help in the catalogue."""

    def explanation(self) -> str:
        """Return what the option does, in the person's language."""
        return help_speaker()(self.help) if self.help else ""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option's line of help."""
        worded = copy.copy(self)
        worded.help = self.explanation()
        return click.Option.get_help_record(worded, ctx)


class SettingOption(Option):
    """An option that overrides a setting, and is explained by it; `help=` is the setting's name."""

    def explanation(self) -> str:
        """Return what the setting is for, its default, and the variable that sets it."""
        setting = next(one for one in SETTINGS if one.name == self.help)
        told = setting.meaning.say(language())
        default = f"{setting.default}; " if setting.default else ""
        # Words that are typed as they stand begin no sentence.
        sentence = help_speaker()("help_log_level") if setting.name == "LOG_LEVEL" else f"{told[0].upper()}{told[1:]}"
        return f"{sentence} [{default}{PREFIX}{setting.name}]."


option = functools.partial(click.option, cls=Option)
setting_option = functools.partial(click.option, cls=SettingOption)
session_option = setting_option("--session-dir", metavar="DIR", help="SESSION_DIR")
