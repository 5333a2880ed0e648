"""Settings on the command line: options shared by commands, and `qwenproxy config`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from qwenproxy.config import Config

Command = Callable[..., Any]


def server_options(command: Command) -> Command:
    """Add the options that override settings; their values reach the command as `options`."""
    for decorate in (
        click.option("--host", help="Address to listen on [QWENPROXY_HOST]."),
        click.option("--port", help="Port to listen on [QWENPROXY_PORT]."),
        click.option("--session-dir", help="Folder of all state [QWENPROXY_SESSION_DIR]."),
        click.option("--base-url", help="The site [QWENPROXY_BASE_URL]."),
        click.option("--log-level", help="debug, info, warning or error [QWENPROXY_LOG_LEVEL]."),
    ):
        command = decorate(command)
    return command


@click.command()
def config() -> None:
    """Show every setting: its value, where the value comes from, and what it means."""
    rows = [(f"QWENPROXY_{name}", value, origin, text) for name, value, origin, text in Config.load().rows()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        click.echo("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip())
