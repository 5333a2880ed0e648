"""`qwenproxy dashboard`: the link that lets a person into the dashboard of the running server; opens it if wanted.

Knows the session folder and its server's address; asks the server only whether it has a dashboard.
"""

from __future__ import annotations

import html
import webbrowser

import click
import requests

from qwenproxy.access.admin import AdminKeys
from qwenproxy.cli.own_server import own_session
from qwenproxy.cli.session import server_of
from qwenproxy.cli.settings import command_line
from qwenproxy.cli.terminal.help import Command, option, session_option
from qwenproxy.config import Config
from qwenproxy.disk.files import write_atomic
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase, speaker

SERVER_WAIT = 5.0  # seconds for the server to answer
PAGE = (
    '<!doctype html><meta charset="utf-8"><title>qwenproxy</title><meta http-equiv="refresh" content="0; url={url}">\n'
)


@click.command(
    "dashboard", cls=Command, help="help_dashboard", epilog="qwenproxy dashboard\nqwenproxy dashboard --open"
)
@option("--open", "opens", is_flag=True, help="help_dashboard_open")
@session_option
def dashboard_command(*, opens: bool, session_dir: str | None) -> None:
    """Print the link, and open it in the person's browser if wanted."""
    config = Config.load({"session_dir": session_dir})
    say = speaker(config.lang)
    session, address = _served(config)
    _check(address)
    key = AdminKeys.open(session.admin_key).first()
    if not key:
        raise SetupError(Phrase("dashboard_no_key", path=session.admin_key))
    link = f"{address}/ui/#key={key}"
    click.echo(link)
    click.echo(say("dashboard_secret"), err=True)
    if opens:
        # Through a private file, because everybody on the machine can read the arguments of the browser's start.
        write_atomic(session.dashboard_page, PAGE.format(url=html.escape(link)).encode())
        if not webbrowser.open(session.dashboard_page.absolute().as_uri()):
            raise SetupError(Phrase("dashboard_no_browser"))


def _served(config: Config) -> tuple[SessionFolder, str]:
    """Return the running server's folder, this one or the sandbox's below it, and its address. Raises SetupError."""
    here = SessionFolder(config.session_dir)
    for session in (here, here.sandbox):
        server = server_of(session)
        if server and server.url:
            return session, server.url
        if server:
            raise SetupError(Phrase("dashboard_not_yet"))
    command = command_line(config, "start")
    raise SetupError(Phrase("dashboard_not_running", folder=here.root, command=command))


def _check(address: str) -> None:
    """Raise SetupError if the server does not answer, or has no dashboard."""
    try:
        with own_session() as http:
            status = http.get(f"{address}/ui/", timeout=SERVER_WAIT).status_code
    except requests.RequestException:
        raise SetupError(Phrase("dashboard_silent", url=address)) from None
    if status != 200:
        raise SetupError(Phrase("dashboard_off", url=address))
