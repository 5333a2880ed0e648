"""The session folder as commands name it: `account list --session-dir X`, and the server that runs on one.

The group has read the settings by the time its command reads `--session-dir`; a folder named there replaces its own.
"""

from __future__ import annotations

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
    """Return the server that has a session folder now, None where there is none or nothing can tell."""
    try:
        return running_server(session)
    except (StorageError, OSError):
        return None


def served_below(config: Config, say: Speaker) -> str:
    """Return the line for whoever looks into the session folder while the server runs on the sandbox's, else ""."""
    session = SessionFolder(config.session_dir)
    if server_of(session.sandbox) is None or server_of(session) is not None:
        return ""
    folder = session.sandbox.root
    option = f'"{folder}"' if " " in str(folder) else str(folder)
    return say("served_below", folder=folder, here=config.session_dir, option=option)
