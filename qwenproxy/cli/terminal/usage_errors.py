"""What a person typed that no command understands, told in their language; click itself tells it in English only.

What click raises is recognised by its type and by that of the parameter, as far as it can be; help.py raises what has
no type of its own.
"""

from __future__ import annotations

import click

from qwenproxy.texts import Speaker

# What click raises for a group alone; before 8.2 it shows the help by itself.
_HELP_ALONE: type[click.UsageError] | tuple[()] = getattr(click.exceptions, "NoArgsIsHelpError", ())


def show_usage_error(error: click.ClickException, say: Speaker) -> None:
    """Write on stderr how the command is called, where help is, and what was wrong; for a group alone its help."""
    if isinstance(error, _HELP_ALONE):
        click.echo(error.format_message(), err=True)
        return
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    if ctx is not None:
        click.echo(f"{ctx.get_usage()}\n{say('usage_hint', command=f'{ctx.command_path} --help')}\n", err=True)
    click.echo(say("usage_error", message=_message(error, say)), err=True)


def _message(error: click.ClickException, say: Speaker) -> str:
    if isinstance(error, click.NoSuchOption):
        close = (error.possibilities or [""])[0]
        return say("usage_no_option_close" if close else "usage_no_option", name=error.option_name, close=close)
    if isinstance(error, click.BadOptionUsage):
        return say("usage_no_value" if _is_flag(error) else "usage_needs_value", name=error.option_name)
    if isinstance(error, click.BadParameter) and error.param:
        name = error.param.get_error_hint(error.ctx).strip("'")
        if isinstance(error, click.MissingParameter):
            return say("usage_missing", name=name)
        return say("usage_bad_value", name=name, reason=_reason(error, say))
    if type(error) is click.UsageError and error.ctx and isinstance(error.ctx.command, click.Group):
        return say("usage_no_command")
    return error.format_message()


def _is_flag(error: click.BadOptionUsage) -> bool:
    known = error.ctx.command.get_params(error.ctx) if error.ctx else []
    return any(isinstance(one, click.Option) and one.is_flag and error.option_name in one.opts for one in known)


def _reason(error: click.BadParameter, say: Speaker) -> str:
    wanted = error.param.type if error.param else None
    if isinstance(wanted, click.Choice):
        return say("usage_one_of", words=", ".join(map(str, wanted.choices)))
    if isinstance(wanted, click.IntRange):
        return say("usage_whole_number", low=wanted.min, high=wanted.max)
    if isinstance(wanted, click.FloatRange):
        return say("usage_number", low=wanted.min)
    if isinstance(wanted, click.Path):
        return say("usage_folder")
    return error.message
