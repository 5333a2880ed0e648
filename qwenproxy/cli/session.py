"""`--session-dir` behind a subcommand (`account list --session-dir X`), and the server that runs on a session folder.

The group loads the settings first; its subcommand loads them again for the folder that `--session-dir` names.
"""

from __future__ import annotations

from pathlib import Path

import click

from qwenproxy.cli.terminal.help import setting_option
from qwenproxy.config import Config
from qwenproxy.disk.claim import RunningServer, running_server
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import StorageError
from qwenproxy.texts import Speaker


def _use_folder(ctx: click.Context, parameter: click.Parameter, session_dir: str | None) -> None:
    if session_dir is not None:
        ctx.obj = Config.load({"session_dir": session_dir})


late_session_option = setting_option(
    "--session-dir", metavar="DIR", help="SESSION_DIR", expose_value=False, callback=_use_folder
)


def server_of(session: SessionFolder) -> RunningServer | None:
    """Return the server that uses a session folder now; None when there is none, or the disk cannot be read."""
    try:
        return running_server(session)
    except (StorageError, OSError):
        return None


def served_below(config: Config, say: Speaker) -> str:
    """Return the hint that the only running server uses the sandbox's folder below this one, else ""."""
    folder = folder_served_below(config)
    if folder is None:
        return ""
    option = f'"{folder}"' if " " in str(folder) else str(folder)
    return f"{say('served_below', folder=folder, here=config.session_dir)} {say('served_below_add', option=option)}"


def folder_served_below(config: Config) -> Path | None:
    """Return the sandbox's folder below this one where the only running server uses that, else None."""
    session = SessionFolder(config.session_dir)
    is_served = server_of(session.sandbox) is not None and server_of(session) is None
    return session.sandbox.root if is_served else None
