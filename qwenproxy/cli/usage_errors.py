"""What a person typed that no command understands, told in their language; click itself tells it in English only."""

from __future__ import annotations

import click

from qwenproxy.cli.texts import Speaker


def show_usage_error(error: click.ClickException, say: Speaker) -> None:
    """Write on stderr how the command is called, where help is, and what was wrong."""
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    if ctx is not None:
        click.echo(f"{ctx.get_usage()}\n{say('usage_hint', command=f'{ctx.command_path} --help')}\n", err=True)
    click.echo(say("usage_error", message=_message(error, say)), err=True)


def _message(error: click.ClickException, say: Speaker) -> str:
    if isinstance(error, click.NoSuchOption):
        close = (error.possibilities or [""])[0]
        return say("usage_no_option_close" if close else "usage_no_option", name=error.option_name, close=close)
    if isinstance(error, click.BadOptionUsage) and "requires" in error.message:
        return say("usage_needs_value", name=error.option_name)
    if isinstance(error, click.BadParameter) and error.param:
        name = error.param.get_error_hint(error.ctx).strip("'")
        if isinstance(error, click.MissingParameter):
            return say("usage_missing", name=name)
        return say("usage_bad_value", name=name, reason=error.message)
    return error.format_message()
