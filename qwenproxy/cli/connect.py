"""`qwenproxy connect`: what to set in another program so that it uses this proxy, and changes of its settings file.

Where the proxy is comes from the server that runs on the session folder, or the sandbox's below it, else from the
settings.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import get_args

import click

from qwenproxy.access.keys import mask
from qwenproxy.cli.connect_target import Found, find_target
from qwenproxy.cli.console import is_confirmed, is_interactive
from qwenproxy.cli.session import folder_served_below
from qwenproxy.cli.settings import command_line
from qwenproxy.cli.terminal.help import Command, WordedUsageError, option, session_option
from qwenproxy.cli.terminal.suggestions import closest
from qwenproxy.config import Config, named_place
from qwenproxy.connect.change import Change, locate, plan, render
from qwenproxy.connect.program import API_NAMES, Api, Program, Settings, Way, without_emphasis
from qwenproxy.connect.programs import PROGRAMS
from qwenproxy.texts import Speaker, speaker

EXAMPLES = """qwenproxy connect
qwenproxy connect claude-code
qwenproxy connect opencode --api messages --model qwen3-coder-plus --write"""


@click.command("connect", cls=Command, help="help_connect", epilog=EXAMPLES)
@click.argument("name", metavar="[PROGRAM]", required=False)
@option("--api", metavar="API", help="help_connect_api")
@option("--model", metavar="NAME", help="help_connect_model")
@option("--write", is_flag=True, help="help_connect_write")
@option("--yes", "-y", is_flag=True, help="help_remove_yes")
@session_option
def connect_command(
    name: str | None, *, api: str | None, model: str | None, session_dir: str | None, **switches: bool
) -> None:
    """List the programs, show one, or write its settings."""
    config = Config.load({"session_dir": session_dir})
    below = folder_served_below(config)
    if below:  # nobody would want the address of a server that does not run
        config = Config.load({"session_dir": str(below)})
    say = speaker(config.lang)
    if name is None:
        _list_programs(config, say)
        return
    program = _program(config, name, say)
    way = _way(program, api, say)
    found = find_target(config, model)
    _say_where(config, found, say)
    words = [program.name, *(["--api", api] if api else []), *(["--model", model] if model else [])]
    if switches["write"]:
        if not way.settings(found.target):
            command = command_line(config, "connect", *words)
            raise WordedUsageError(say("connect_only_variables", title=program.title, command=command))
        _write(way, found, say, is_sure=switches["yes"])
    else:
        _show(way, found, say)
        if way.settings(found.target):
            command = command_line(config, "connect", *words, "--write")
            click.echo(f"\n{say('connect_write_hint', command=command)}")
    _show_notes(program, say)


def _list_programs(config: Config, say: Speaker) -> None:
    names = max(map(len, PROGRAMS))
    titles = max(len(program.title) for program in PROGRAMS.values())
    for program in PROGRAMS.values():
        apis = ", ".join(API_NAMES[way.api] for way in program.ways)
        click.echo(f"{program.name:<{names}}  {program.title:<{titles}}  {apis}")
    click.echo(f"\n{say('connect_each', command=command_line(config, 'connect', 'PROGRAM'))}", err=True)


def _program(config: Config, name: str, say: Speaker) -> Program:
    """Return the program of a name. Raises WordedUsageError with the closest one."""
    program = PROGRAMS.get(name.lower())
    if program is not None:
        return program
    close = closest(name, PROGRAMS)
    if close:
        raise WordedUsageError(say("connect_unknown_close", name=name, close=close))
    raise WordedUsageError(say("connect_unknown", name=name, command=command_line(config, "connect")))


def _way(program: Program, api: str | None, say: Speaker) -> Way:
    """Return the way of a program that the person wants. Raises WordedUsageError."""
    apis: tuple[Api, ...] = get_args(Api)
    wanted = next((each for each in apis if each == api), None)
    if api is not None and wanted is None:
        raise WordedUsageError(say("connect_api_unknown", api=api, apis=", ".join(apis)))
    way = program.way(wanted)
    if way is None:
        spoken = ", ".join(each.api for each in program.ways)
        raise WordedUsageError(say("connect_no_api", title=program.title, api=api, apis=spoken))
    return way


def _say_where(config: Config, found: Found, say: Speaker) -> None:
    """Say where the proxy is, which key is used, and whether it knows the model, beside the result."""
    target = found.target
    if found.is_running:
        lines = [say("connect_running", url=target.address)]
    else:
        lines = [say("connect_not_running", folder=config.session_dir, url=target.address)]
    if found.key:
        command = command_line(config, "keys", "list", "--show")
        lines.append(say("connect_key", key=mask(found.key), command=command))
    else:
        is_closed = not config.is_loopback and not config.insecure
        text = "connect_key_missing" if is_closed else "connect_keyless"
        lines.append(say(text, command=command_line(config, "keys", "add")))
    if not found.knows_model:
        lines.append(say("connect_model_unknown", model=target.model, url=f"{target.v1}/models"))
    click.echo("\n".join(lines), err=True)


def _show(way: Way, found: Found, say: Speaker) -> None:
    """Show variables, files and code to copy, with the key in them: that is what they are for."""
    variables, target = way.variables(found.target), found.target
    if variables:
        click.echo(f"\n{say('connect_variables')}\n", err=True)  # so that a shell can take the lines as they are
        for name, value in variables.items():
            click.echo(f'$env:{name} = "{value}"' if os.name == "nt" else f"export {name}={shlex.quote(value)}")
    for settings in way.settings(target):
        path = _path(settings)
        click.echo(f"\n{say('connect_or_file' if variables else 'connect_file', path=path)}\n")
        click.echo(render(settings), nl=False)
    if way.sample(target):
        click.echo(f"\n{say('connect_sample')}\n\n{way.sample(target)}")


def _show_notes(program: Program, say: Speaker) -> None:
    if program.notes:
        click.echo(f"\n{say('connect_notes')}", err=True)
    for note in program.notes:
        click.echo(f"- {without_emphasis(say(note))}", err=True)


def _write(way: Way, found: Found, say: Speaker, *, is_sure: bool) -> None:
    """Change the settings files. All are read before the first one is written. Raises SetupError, StorageError."""
    changes = [plan(settings, _path(settings), found.key) for settings in way.settings(found.target)]
    for change in changes:
        if not change.is_needed:
            click.echo(say("connect_same", path=change.path))
            continue
        _show_difference(change, found.key)
        if not is_sure and not is_interactive():
            raise WordedUsageError(say("connect_unasked"))
        if is_sure or is_confirmed(f"{say('connect_sure', path=change.path)} [y/N]"):
            copy = change.write()
            click.echo(say("connect_written", path=change.path))
            if copy:
                click.echo(say("connect_copy", path=copy))
            if change.becomes_private:
                click.echo(say("connect_private", path=change.path))
        else:
            click.echo(say("connect_kept", path=change.path))


def _show_difference(change: Change, key: str) -> None:
    """Show what changes, in colours on a terminal; the key is masked, because nobody copies it from here."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in change.diff(key, mask(key)):
        click.secho(line, fg=colours.get(line[:1]))
    click.echo()


def _path(settings: Settings) -> Path:
    return locate(settings.location, Path.home(), named_place)
