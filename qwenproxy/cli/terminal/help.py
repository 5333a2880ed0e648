"""Commands that show help in the person's language with examples, and suggest the right name for a mistyped one.

`help=` of these commands and options is a key of the catalogue; `epilog=` holds the examples, one per line.
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
    """Return the speaker of the person's language, even where the settings are invalid."""
    return speaker(language())


def short_help(key: str) -> str:
    """Return a command's line in a list of commands; `key` is that of its help."""
    return help_speaker()(key).partition("\n")[0]


class Formatter(click.HelpFormatter):
    """Translates click's own headings."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line."""
        super().write_usage(prog, args, prefix or f"{help_speaker()('help_usage')} ")

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Write a heading; the body of the `with` statement writes its section."""
        say = help_speaker()
        headings = {"Options": say("help_options"), "Commands": say("help_commands")}
        with super().section(headings.get(name, name)):
            yield


class WordedUsageError(click.UsageError):
    """A usage error whose message is already in the person's language."""


class Context(click.Context):
    """A command's context that writes help with our formatter."""

    formatter_class = Formatter


class Command(click.Command):
    """A command with its help in the catalogue."""

    context_class = Context
    allow_extra_args = True  # parse_args refuses them in the person's language

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words behind the command. Raises UsageError with the context of the command."""
        try:
            rest = super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise
        if rest and not isinstance(self, click.Group) and not ctx.resilient_parsing:
            raise WordedUsageError(help_speaker()("usage_extra", words=" ".join(rest)), ctx)
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the words behind the command's name in the usage line."""
        say = help_speaker()
        translations = {"[OPTIONS]": say("help_place_options"), "COMMAND [ARGS]...": say("help_place_command")}
        return [translations.get(piece, piece) for piece in super().collect_usage_pieces(ctx)]

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the command's line in a list of commands."""
        return short_help(self.help) if self.help else ""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option --help with its help in the person's language."""
        help_option = super().get_help_option(ctx)
        if help_option is not None:
            help_option.help = help_speaker()("help_help")
        return help_option

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
    """A group with its help in the catalogue; suggests the right command for a mistyped one."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` name. Raises UsageError with the closest name."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            close = closest(name, self.list_commands(ctx))
            message = help_speaker()("no_command_close" if close else "no_command", name=name, close=close)
            raise WordedUsageError(message, ctx)
        return super().resolve_command(ctx, args)


class Option(click.Option):
    """An option with its help in the catalogue."""

    def explanation(self) -> str:
        """Return what the option does, in the person's language."""
        return help_speaker()(self.help) if self.help else ""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option's line of help."""
        translation = copy.copy(self)
        translation.help = self.explanation()
        return click.Option.get_help_record(translation, ctx)


class SettingOption(Option):
    """An option that overrides a setting; `help=` is the setting's name, and its meaning is the help."""

    def explanation(self) -> str:
        """Return the setting's meaning, default and variable."""
        setting = next(one for one in SETTINGS if one.name == self.help)
        meaning = setting.meaning.say(language())
        default = f"{setting.default}; " if setting.default else ""
        # The meaning of LOG_LEVEL begins with a value, which must not get a capital letter.
        is_level = setting.name == "LOG_LEVEL"
        sentence = help_speaker()("help_log_level") if is_level else f"{meaning[0].upper()}{meaning[1:]}"
        return f"{sentence} [{default}{PREFIX}{setting.name}]."


option = functools.partial(click.option, cls=Option)
setting_option = functools.partial(click.option, cls=SettingOption)
session_option = setting_option("--session-dir", metavar="DIR", help="SESSION_DIR")
