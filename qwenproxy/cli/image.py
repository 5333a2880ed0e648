"""`qwenproxy image`: one picture through the running proxy, into a file."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import click

from qwenproxy.cli.terminal.help import Command, WordedUsageError, option, session_option
from qwenproxy.cli.works import Order, ask, check_target, free_name, prompt_of
from qwenproxy.config import Config
from qwenproxy.disk import files
from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase, speaker
from qwenproxy.uploads.file_types import content_type_of_name, image_type

EXAMPLES = """qwenproxy image "a red fox in the snow" -o fox.png --size 16:9
qwenproxy image "make it night" --edit fox.png"""


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
    text = prompt_of(prompt)
    if not text:
        raise WordedUsageError(say("image_no_prompt"))
    path = free_name("picture", ".png") if output is None else output
    check_target(path, is_ours=output is None or force)
    wish = {"prompt": text, "response_format": "b64_json", **{name: value for name, value in look.items() if value}}
    answer = ask(config, _order(wish, [_source(each) for each in edit])).json()
    data = base64.b64decode(answer["data"][0]["b64_json"])
    files.write_atomic(path, data, mode=0o644)
    click.echo(say("image_done", path=path, size=answer.get("size", "")).rstrip())
    painted = image_type(data) or ""
    if path.suffix and content_type_of_name(path.name) != painted:
        click.echo(say("image_other_type", path=path, type=painted.rpartition("/")[2].upper()), err=True)


def _source(path: Path) -> tuple[str, bytes]:
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SetupError(Phrase("image_unreadable", path=path, reason=reason)) from error


def _order(wish: dict[str, str], sources: list[tuple[str, bytes]]) -> Order:
    body: dict[str, Any] = {"data": wish, "files": [("image", each) for each in sources]} if sources else {"json": wish}
    return Order("images/edits" if sources else "images/generations", body, "image_goes_on", "image_failed")
