"""Films: a question for one starts a task, and after a while the task shows the address of a real MP4 (protocol 8.3).

Between the completions route, the routes of tasks and the gallery; knows no HTTP.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qwenproxy.sandbox.chats.chat import Chat, ChatMessage
from qwenproxy.sandbox.envelope import SiteError, bad_request
from qwenproxy.sandbox.media.painting import check_media
from qwenproxy.sandbox.media.tasks import Task, new_id
from qwenproxy.sandbox.state import SiteState

FILMS = ("t2v", "i2v")
QUOTA = "t2v"  # both kinds share one
_DEFAULT_SIZE = "16:9"
_TALL = ("9:16", "2:3", "3:4")
_FAILED = "The video could not be generated."


def check_film(body: Mapping[str, Any], message: Mapping[str, Any]) -> None:
    """Raise SiteError for a question that the site would not film."""
    check_media(body, message, needs_image=message["chat_type"] == "i2v")
    if body["stream"] is not False:
        raise bad_request("Invalid input a video is not streamed.")


def start_film(state: SiteState, chat: Chat, asked: ChatMessage, answer: ChatMessage) -> dict[str, Any]:
    """Begin a film, and return the data of the answer to its question; it counts as made at once. Raises SiteError."""
    account_id, kind = chat.account_id, str(asked.fields["chat_type"])
    fails = state.switches.failing_films > 0
    state.switches.failing_films -= fails
    state.quotas.spend(account_id, QUOTA, state.now())
    meta = asked.fields["extra"].get("meta", {})
    size = meta.get("size") or _DEFAULT_SIZE
    task = Task(
        new_id(), account_id, kind, chat.id, answer.fields, size, state.now() + state.switches.film_s, fails=fails
    )
    state.tasks.add(task)
    answer.fields.update(extra={"wanx": {"task_id": task.id}}, size=size)
    shown = {name: answer.fields[name] for name in ("role", "content", "extra", "done", "size")}
    return {"chat_id": chat.id, "parent_id": asked.id, "message_id": answer.id, "messages": [shown]}


def settle(state: SiteState) -> None:
    """End the tasks whose time has come: in the task, and in the chat."""
    for task in state.tasks.running():
        if state.now() >= task.ready_at:
            _end(state, task)


def status_of(state: SiteState, account_id: str, task_id: str) -> dict[str, Any]:
    """Return a task as its status route shows it. Raises SiteError for an unknown one."""
    settle(state)
    task = state.tasks.get(account_id, task_id)
    return {
        "chat_type": task.chat_type,
        "task_status": task.status,
        "message": _FAILED if task.status == "failed" else "",
        "content": task.content,
        "remaining_time": "",
        "sub_chat_type": None,
        "duration": None,
    }


def check_quota(state: SiteState, account_id: str) -> None:
    """Raise SiteError if the account may have no film any more today."""
    state.quotas.check(account_id, QUOTA, state.now())


def _end(state: SiteState, task: Task) -> None:
    if task.fails:
        task.status = "failed"
    else:
        owner = {
            "resource_user_id": task.account_id,
            "resource_id": str(task.message["id"]),
            "resource_chat_id": task.chat_id,
        }
        path = f"output/{task.account_id}/{task.chat_type}/{task.chat_id}/{task.id}.mp4"
        task.content = state.gallery.add(path, film(task.size), "video/mp4", owner)
        task.status = "success"
    task.message.update(content=task.content, done=True)


@functools.cache
def film(size: str) -> bytes:
    """Return the MP4 for a ratio: five seconds, upright or not. Raises SiteError for what is no ratio."""
    name = "tall" if size in _TALL else "wide"
    try:
        return (Path(__file__).parent / "films" / f"{name}.mp4").read_bytes()
    except OSError as error:
        raise SiteError(500, "internal_error", "Internal error!") from error
