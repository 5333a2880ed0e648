"""`qwenproxy keys`: the API keys that clients of this proxy need (contract 3 and 5)."""

from __future__ import annotations

from pathlib import Path

import click

from qwenproxy.access.keys import SHORT, KeyFile, mask
from qwenproxy.cli.session import late_session_option, served_below
from qwenproxy.cli.settings import command_line
from qwenproxy.cli.terminal.help import Group, option, session_option
from qwenproxy.config import Config
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.texts import speaker


@click.group("keys", cls=Group, help="help_keys", epilog="qwenproxy keys add\nqwenproxy keys list --show")
@session_option
@click.pass_context
def keys_group(ctx: click.Context, session_dir: str | None) -> None:
    """Read the settings for the command."""
    ctx.obj = Config.load({"session_dir": session_dir})


@keys_group.command("list", help="help_keys_list", epilog="qwenproxy keys list\nqwenproxy keys list --show")
@option("--show", is_flag=True, help="help_keys_show")
@late_session_option
@click.pass_obj
def list_keys(config: Config, show: bool) -> None:
    """List the keys."""
    say = speaker(config.lang)
    keys = read_keys(config)
    path = _path(config)
    click.echo(say("keys_in", path=path) if keys else f"{say('keys_none', path=path)} {say('keyless')}", err=True)
    for key in keys:
        click.echo(key if show else mask(key))
    _hint_at_sandbox(config)


@keys_group.command(
    "add", help="help_keys_add", epilog="qwenproxy keys add\nqwenproxy keys add my-own-key-of-many-letters"
)
@click.argument("key", metavar="[KEY]", required=False)
@late_session_option
@click.pass_obj
def add(config: Config, key: str | None) -> None:
    """Add a key; print only a generated key to standard output, so that scripts can read it there."""
    key_file, say = KeyFile.open(_path(config)), speaker(config.lang)
    old_keys = key_file.keys()
    if key is not None and key.strip() in old_keys:
        click.echo(say("key_known", key=mask(key.strip()), path=_path(config)))
        return
    new_key = key_file.add(key)
    if key is None:
        click.echo(new_key)
    click.echo(say("key_added", key=mask(new_key), path=_path(config)), err=key is None)
    if len(new_key) < SHORT:
        click.echo(say("key_short", length=SHORT, command=command_line(config, "keys", "add")), err=True)
    if not old_keys:
        click.echo(say("keys_on"), err=True)
    _hint_at_sandbox(config)


@keys_group.command("remove", help="help_keys_remove", epilog="qwenproxy keys remove qp-JHq...vmA")
@click.argument("key", metavar="KEY")
@late_session_option
@click.pass_obj
def remove(config: Config, key: str) -> None:
    """Remove a key, given in full or as the list shows it."""
    say, keys = speaker(config.lang), read_keys(config)
    matches = [one for one in keys if one == key.strip()] or [one for one in keys if mask(one) == key.strip()]
    if len(matches) != 1 or not KeyFile(_path(config)).remove(matches[0]):
        _hint_at_sandbox(config)
        command = command_line(config, "keys", "list", "--show")
        raise SetupError(say("key_unknown", path=_path(config), command=command))
    click.echo(say("key_removed", key=mask(matches[0]), path=_path(config)))
    if not read_keys(config):
        click.echo(f"{say('keys_off')} {say('keyless')}", err=True)
    _hint_at_sandbox(config)


def read_keys(config: Config) -> tuple[str, ...]:
    """Return the keys of the session folder; create no file, because the disk may be read-only. Raises SetupError."""
    key_file = KeyFile(_path(config))
    return key_file.keys() if key_file.exists else ()


def _hint_at_sandbox(config: Config) -> None:
    hint = served_below(config, speaker(config.lang))
    if hint:
        click.echo(hint, err=True)


def _path(config: Config) -> Path:
    return SessionFolder(config.session_dir).keys
