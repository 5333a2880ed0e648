"""`--session-dir` behind a command of a group: `account list --session-dir X`, where people write it too.

The group has read the settings by then; a folder named here replaces its own.
"""

from __future__ import annotations

import click

from qwenproxy.cli.help import setting_option
from qwenproxy.config import Config


def _use_folder(ctx: click.Context, parameter: click.Parameter, session_dir: str | None) -> None:
    if session_dir is not None:
        ctx.obj = Config.load({"session_dir": session_dir})


late_session_option = setting_option(
    "--session-dir", metavar="DIR", help="SESSION_DIR", expose_value=False, callback=_use_folder
)
