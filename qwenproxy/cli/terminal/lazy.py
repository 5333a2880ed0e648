"""A group that imports a command when somebody calls it, because otherwise each start would wait for all of them.

Help and suggestions need the names of the commands and the keys of their help, nothing more.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from qwenproxy.cli.terminal.help import Group, short_help


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is, as `package.module:name`, and the key of its help."""

    place: str
    help: str


class LazyGroup(Group):
    """A group of commands that are named by their places."""

    def __init__(self, *args: Any, places: Mapping[str, Place], **options: Any) -> None:
        """`places` has the names of the commands."""
        super().__init__(*args, **options)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in their order in the help."""
        return sorted(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with its module imported; None if there is no such command."""
        if cmd_name not in self._places:
            return None
        command: click.Command = pkgutil.resolve_name(self._places[cmd_name].place)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short_help(self._places[name].help)) for name in self.list_commands(ctx)])
