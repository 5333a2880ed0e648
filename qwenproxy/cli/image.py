"""`qwenproxy image`: one picture through the running proxy, into a file."""

from __future__ import annotations

import base64
import itertools
import os
import sys
import time
from pathlib import Path
from typing import Any

import click
import requests

from qwenproxy.chat.waiting import Work
from qwenproxy.cli.keys import read_keys
from qwenproxy.cli.own_server import own_session
from qwenproxy.cli.session import server_of
from qwenproxy.cli.settings import command_line
from qwenproxy.cli.terminal.help import Command, WordedUsageError, option, session_option
from qwenproxy.cli.terminal.progress import live_line
from qwenproxy.config import Config
from qwenproxy.disk import files
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase, Speaker, speaker

EXAMPLES = """qwenproxy image "a red fox in the snow" -o fox.png --size 16:9
qwenproxy image "make it night" --edit fox.png"""
TIME_LIMIT = 900.0  # seconds: an account may have to wait for others, and a picture may be painted twice
SHOWN_EVERY = 1.0  # seconds


@click.command("image", cls=Command, help="help_image", epilog=EXAMPLES)
@click.argument("prompt", metavar="PROMPT")
@option("--output", "-o", metavar="FILE", type=click.Path(path_type=Path), help="help_image_output")
@option("--size", metavar="SIZE", help="help_image_size")
@option("--edit", metavar="FILE", multiple=True, type=click.Path(path_type=Path), help="help_image_edit")
@option("--model", metavar="NAME", help="help_image_model")
@option("--force", is_flag=True, help="help_image_force")
@session_option
def image_command(
    prompt: str,
    *,
    output: Path | None,
    edit: tuple[Path, ...],
    force: bool,
    session_dir: str | None,
    **look: str | None,
) -> None:
    """Paint, and write the file."""
    config = Config.load({"session_dir": session_dir})
    say = speaker(config.lang)
    text = (sys.stdin.read() if prompt == "-" else prompt).strip()
    if not text:
        raise WordedUsageError(say("image_no_prompt"))
    path = _free_name() if output is None else output
    _check(path, is_ours=output is None or force)
    wish = {"prompt": text, "response_format": "b64_json", **{name: value for name, value in look.items() if value}}
    answer = _ask(config, wish, [_source(each) for each in edit], say)
    files.write_atomic(path, base64.b64decode(answer["data"][0]["b64_json"]), mode=0o644)
    click.echo(say("image_done", path=path, size=answer.get("size", "")).rstrip())


def _check(path: Path, *, is_ours: bool) -> None:
    """Raise SetupError for a file that cannot or must not be written, before the picture costs anything."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise SetupError(Phrase("image_no_folder", path=path))
    if path.exists() and not is_ours:
        raise SetupError(Phrase("image_exists", path=path))
    if not os.access(folder, os.W_OK):
        raise SetupError(Phrase("image_read_only", path=path))


def _free_name() -> Path:
    names = ("picture.png" if number == 1 else f"picture-{number}.png" for number in itertools.count(1))
    return next(path for path in map(Path, names) if not path.exists())


def _source(path: Path) -> tuple[str, bytes]:
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SetupError(Phrase("image_unreadable", path=path, reason=reason)) from error


def _ask(config: Config, wish: dict[str, str], sources: list[tuple[str, bytes]], say: Speaker) -> dict[str, Any]:
    """Return the answer of the running proxy; show how long it takes. Raises SetupError."""
    server = server_of(SessionFolder(config.session_dir))
    url = server.url if server else ""
    if not url:
        command = command_line(config, "start")
        raise SetupError(Phrase("image_no_server", folder=config.session_dir, command=command))
    key = next(iter(read_keys(config)), "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    route = "edits" if sources else "generations"
    body: dict[str, Any] = {"data": wish, "files": [("image", each) for each in sources]} if sources else {"json": wish}

    def post() -> requests.Response:
        with own_session() as session:
            return session.post(f"{url}/v1/images/{route}", headers=headers, timeout=TIME_LIMIT, **body)

    work = Work(post, "image").start()
    begun_at = time.monotonic()
    with live_line() as line:
        while not work.wait(SHOWN_EVERY):
            line.show(say("image_paints", seconds=int(time.monotonic() - begun_at)))
    try:
        answer = work.result()
        told = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise SetupError(Phrase("image_unanswered", reason=type(error).__name__)) from error
    if answer.status_code == 401:
        raise SetupError(Phrase("image_key_missing", command=command_line(config, "keys", "add")))
    if answer.status_code != 200:
        raise SetupError(Phrase("image_failed", message=told["error"]["message"]))
    return dict(told)
