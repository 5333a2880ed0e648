"""Usage errors in the person's language, because click words them in English only.

Recognises click's errors by their type and the parameter's type. help.py raises the errors for which click has no type.
"""

from __future__ import annotations

import click

from qwenproxy.texts import Speaker

# Click's error for a group without a command; before 8.2 click shows the help itself.
_HELP_ALONE: type[click.UsageError] | tuple[()] = getattr(click.exceptions, "NoArgsIsHelpError", ())


def show_usage_error(error: click.ClickException, say: Speaker) -> None:
    """Write usage, where help is, and the error to stderr; for a group without a command its help."""
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
    parameters = error.ctx.command.get_params(error.ctx) if error.ctx else []
    options = [one for one in parameters if isinstance(one, click.Option)]
    return any(option.is_flag and error.option_name in option.opts for option in options)


def _reason(error: click.BadParameter, say: Speaker) -> str:
    kind = error.param.type if error.param else None
    if isinstance(kind, click.Choice):
        return say("usage_one_of", words=", ".join(map(str, kind.choices)))
    if isinstance(kind, click.IntRange):
        return say("usage_whole_number", low=kind.min, high=kind.max)
    if isinstance(kind, click.FloatRange):
        return say("usage_number", low=kind.min)
    if isinstance(kind, click.Path):
        return say("usage_folder")
    return error.message
