"""What the commands share that have the running proxy make something for a file: the file, the question, the wait."""

from __future__ import annotations

import itertools
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from qwenproxy.chat.waiting import Work
from qwenproxy.cli.keys import read_keys
from qwenproxy.cli.own_server import own_session
from qwenproxy.cli.session import server_of
from qwenproxy.cli.settings import command_line
from qwenproxy.cli.terminal.progress import live_line
from qwenproxy.config import Config
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase, Speaker, speaker

TIME_LIMIT = 900.0  # seconds: an account may have to wait for others, and work may be done twice
SHOWN_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of the proxy: a route below `/v1/`, and the body as `requests` takes it.

    `waiting` and `failure` are the keys of the texts for the wait and for an answer that is none.
    """

    route: str
    body: dict[str, Any]
    waiting: str
    failure: str


def prompt_of(argument: str) -> str:
    """Return the text that an argument means, `-` that of standard input; "" for none."""
    return (sys.stdin.read() if argument == "-" else argument).strip()


def check_target(path: Path, *, is_ours: bool) -> None:
    """Raise SetupError for a file that cannot or must not be written, before the work costs anything."""
    if str(path) == "-":
        raise SetupError(Phrase("work_no_stream"))
    if path.is_dir():
        raise SetupError(Phrase("work_is_folder", path=path))
    if path.exists() and not is_ours:
        raise SetupError(Phrase("work_exists", path=path))
    check_folder(path)


def check_folder(path: Path) -> None:
    """Raise SetupError for a file whose folder is missing or takes none."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise SetupError(Phrase("work_no_folder", path=path))
    if not os.access(folder, os.W_OK):
        raise SetupError(Phrase("work_read_only", path=path))


def free_name(stem: str, ending: str) -> Path:
    """Return a name in this folder that no file has."""
    names = (f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}" for number in itertools.count(1))
    return next(path for path in map(Path, names) if not path.exists())


def ask(config: Config, order: Order) -> requests.Response:
    """Return the running proxy's answer; show how long it takes. Raises SetupError."""
    server = server_of(SessionFolder(config.session_dir))
    url = server.url if server else ""
    if not url:
        command = command_line(config, "start")
        raise SetupError(Phrase("work_no_server", folder=config.session_dir, command=command))
    key = next(iter(read_keys(config)), "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    def post() -> requests.Response:
        with own_session() as session:
            return session.post(f"{url}/v1/{order.route}", headers=headers, timeout=TIME_LIMIT, **order.body)

    answer = _waited(Work(post, "work").start(), speaker(config.lang), order.waiting)
    if answer.status_code == 401:
        raise SetupError(Phrase("work_key_missing", command=command_line(config, "keys", "add")))
    if answer.status_code != 200:
        raise SetupError(Phrase(order.failure, message=_message(answer)))
    return answer


def _waited(work: Work[requests.Response], say: Speaker, text: str) -> requests.Response:
    begun_at = time.monotonic()
    with live_line() as line:
        while not work.wait(SHOWN_EVERY):
            line.show(say(text, seconds=int(time.monotonic() - begun_at)))
    try:
        return work.result()
    except requests.RequestException as error:
        raise SetupError(Phrase("work_unanswered", reason=type(error).__name__)) from error


def _message(answer: requests.Response) -> str:
    """Return what a failed answer says."""
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return f"HTTP {answer.status_code}"
