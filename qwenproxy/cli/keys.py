"""`qwenproxy keys`: the API keys that clients of this proxy need (contract 3 and 5)."""

from __future__ import annotations

from pathlib import Path

import click

from qwenproxy.access.keys import KeyFile
from qwenproxy.cli.session import late_session_option, served_below
from qwenproxy.cli.settings import command_line
from qwenproxy.cli.terminal.help import Group, option, session_option
from qwenproxy.config import Config
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.texts import speaker

SHORT = 8  # characters below which a key can be guessed; such keys of older files go on working


@click.group(cls=Group, help="help_keys", epilog="qwenproxy keys add\nqwenproxy keys list --show")
@session_option
@click.pass_context
def keys(ctx: click.Context, session_dir: str | None) -> None:
    """Read the settings for the command that follows."""
    ctx.obj = Config.load({"session_dir": session_dir})


@keys.command("list", help="help_keys_list", epilog="qwenproxy keys list\nqwenproxy keys list --show")
@option("--show", is_flag=True, help="help_keys_show")
@late_session_option
@click.pass_obj
def list_keys(config: Config, show: bool) -> None:
    """List the keys."""
    say = speaker(config.lang)
    known = known_keys(config)
    path = _path(config)
    click.echo(say("keys_in", path=path) if known else f"{say('keys_none', path=path)} {say('keyless')}", err=True)
    for key in known:
        click.echo(key if show else masked(key))
    _tell_of_sandbox(config)


@keys.command(help="help_keys_add", epilog="qwenproxy keys add\nqwenproxy keys add my-own-key-of-many-letters")
@click.argument("key", metavar="[KEY]", required=False)
@late_session_option
@click.pass_obj
def add(config: Config, key: str | None) -> None:
    """Add a key; the new one alone goes to standard output, so that scripts can take it from there."""
    key_file, say = KeyFile.open(_path(config)), speaker(config.lang)
    known = key_file.keys()
    if key is not None and key.strip() in known:
        click.echo(say("key_known", key=masked(key.strip()), path=_path(config)))
        return
    added = key_file.add(key)
    if key is None:
        click.echo(added)
    click.echo(say("key_added", key=masked(added), path=_path(config)), err=key is None)
    if len(added) < SHORT:
        click.echo(say("key_short", length=SHORT, command=command_line(config, "keys", "add")), err=True)
    if not known:
        click.echo(say("keys_on"), err=True)
    _tell_of_sandbox(config)


@keys.command(help="help_keys_remove", epilog="qwenproxy keys remove qp-JHq...vmA")
@click.argument("key", metavar="KEY")
@late_session_option
@click.pass_obj
def remove(config: Config, key: str) -> None:
    """Remove a key, given in full or as the list shows it."""
    say, known = speaker(config.lang), known_keys(config)
    meant = [one for one in known if one == key.strip()] or [one for one in known if masked(one) == key.strip()]
    if len(meant) != 1 or not KeyFile(_path(config)).remove(meant[0]):
        _tell_of_sandbox(config)
        command = command_line(config, "keys", "list", "--show")
        raise SetupError(say("key_unknown", path=_path(config), command=command))
    click.echo(say("key_removed", key=masked(meant[0]), path=_path(config)))
    if not known_keys(config):
        click.echo(f"{say('keys_off')} {say('keyless')}", err=True)
    _tell_of_sandbox(config)


def known_keys(config: Config) -> tuple[str, ...]:
    """Return the keys of the session folder, none where there is no file. Raises SetupError."""
    key_file = KeyFile(_path(config))
    return key_file.keys() if key_file.exists else ()


def masked(key: str) -> str:
    """Return enough of a key to recognise it, and too little to use it.

    Of a short one that is at most a letter, and how many more there are: `a...+6`.
    """
    if len(key) > 16:
        return f"{key[:6]}...{key[-3:]}"
    shown = key[: 2 if len(key) >= SHORT else len(key) // 4]
    return f"{shown}...+{len(key) - len(shown)}"


def _tell_of_sandbox(config: Config) -> None:
    elsewhere = served_below(config, speaker(config.lang))
    if elsewhere:
        click.echo(elsewhere, err=True)


def _path(config: Config) -> Path:
    return SessionFolder(config.session_dir).keys
