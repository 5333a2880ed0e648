"""Settings on the command line: options shared by commands, and `qwenproxy config`."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import click

from qwenproxy.accounts.proxies import default_proxy
from qwenproxy.cli.terminal.help import Command, help_speaker, option, session_option, setting_option
from qwenproxy.config import PREFIX, Config

Decorated = Callable[..., Any]


def server_options(command: Decorated) -> Decorated:
    """Add the options that override settings; the command gets their values as keyword arguments."""
    for decorate in (
        setting_option("--log-level", metavar="LEVEL", help="LOG_LEVEL"),
        setting_option("--base-url", metavar="URL", help="BASE_URL"),
        session_option,
        setting_option("--port", metavar="PORT", help="PORT"),
        setting_option("--host", metavar="HOST", help="HOST"),
    ):
        command = decorate(command)
    return command


def command_line(config: Config, group: str, *words: str) -> str:
    """Return a command line that uses the same session folder."""
    is_option = config.set_by.get("SESSION_DIR") == "option"
    options = ["--session-dir", f'"{config.session_dir}"'] if is_option else []
    return " ".join(["qwenproxy", group, *options, *words])


@click.command("config", cls=Command, help="help_config", epilog="qwenproxy config\nqwenproxy config --json")
@option("--json", "as_json", is_flag=True, help="help_config_json")
@session_option
def config_command(as_json: bool, session_dir: str | None) -> None:
    """Show every setting: its value, where the value comes from, and what it means."""
    config = Config.load({"session_dir": session_dir})
    default_proxy(config.proxy)  # raises for an address that cannot be
    settings = config.rows()
    if as_json:
        columns = ("value", "origin", "meaning")
        by_name = {PREFIX + name: dict(zip(columns, rest, strict=True)) for name, *rest in settings}
        click.echo(json.dumps(by_name, indent=2, ensure_ascii=False))
        return
    say = help_speaker()
    origins = {"default": say("config_default"), "option": say("config_option")}
    lines = [(PREFIX + name, value, origins.get(origin, origin), meaning) for name, value, origin, meaning in settings]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    rows = []
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        rows.append("  ".join([*cells, line[3]]).rstrip())
    terminal_width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    if terminal_width and max(map(len, rows)) > terminal_width:
        rows = [_narrow(line, terminal_width) for line in lines]
    click.echo("\n".join(rows))


def _narrow(line: tuple[str, str, str, str], width: int) -> str:
    """Return a setting with its meaning on lines of its own, for a terminal narrower than the table."""
    name, value, origin, meaning = line
    paragraph = textwrap.fill(meaning, max(width - 1, 20), initial_indent="    ", subsequent_indent="    ")
    return "  ".join([name, *([value] if value else []), f"({origin})"]) + f"\n{paragraph}"
