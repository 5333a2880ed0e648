"""`--session-dir` behind a subcommand (`account list --session-dir X`), and the server that runs on a session folder.

The group loads the settings first; its subcommand loads them again for the folder that `--session-dir` names.
"""

from __future__ import annotations

from pathlib import Path

import click

from qwenproxy.cli.terminal.help import setting_option
from qwenproxy.config import Config
from qwenproxy.disk.claim import RunningServer, running_server
from qwenproxy.errors import StorageError
from qwenproxy.texts import Speaker

SANDBOX = "sandbox"  # the folder below the session folder that `start --sandbox` uses


def _use_folder(ctx: click.Context, parameter: click.Parameter, session_dir: str | None) -> None:
    if session_dir is not None:
        ctx.obj = Config.load({"session_dir": session_dir})


late_session_option = setting_option(
    "--session-dir", metavar="DIR", help="SESSION_DIR", expose_value=False, callback=_use_folder
)


def server_of(folder: Path) -> RunningServer | None:
    """Return the server that uses a session folder now; None when there is none, or the disk cannot be read."""
    try:
        # running_server creates a lock file; do not leave one in a folder that never had a server.
        return running_server(folder) if (folder / "server.lock").exists() else None
    except (StorageError, OSError):
        return None


def served_below(config: Config, say: Speaker) -> str:
    """Return the hint that the only running server uses the sandbox's folder below this one, else ""."""
    folder = config.session_dir / SANDBOX
    if server_of(folder) is None or server_of(config.session_dir) is not None:
        return ""
    option = f'"{folder}"' if " " in str(folder) else str(folder)
    return say("served_below", folder=folder, here=config.session_dir, option=option)
