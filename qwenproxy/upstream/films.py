"""The site's calls around a film, and what their answers say: its task, and how that stands (protocol 8.3).

calls.py asks the question that starts a film. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from qwenproxy.browser.page import PageRequest
from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream import calls
from qwenproxy.upstream.bodies import object_in

_DONE = ("success", "succeeded", "completed", "finished")
_RUNNING = ("running", "pending", "queued", "processing", "in_progress", "created", "init", "")


@dataclass(frozen=True, slots=True)
class FilmStatus:
    """How a film stands: its `address` once it is done, the site's words (`message`) if it failed."""

    state: Literal["running", "done", "failed"]
    address: str = ""
    message: str = ""


def task_status(task_id: str) -> PageRequest:
    """Ask how a task stands, in the envelope."""
    return calls.get(f"/api/v2/task/status/{quote(task_id, safe='')}")


def flat_task_status(task_id: str) -> PageRequest:
    """Ask the same at the older address, whose answer has no envelope."""
    return calls.get(f"/api/v1/tasks/status/{quote(task_id, safe='')}")


def read_chat(chat_id: str) -> PageRequest:
    """Read a chat with its messages (protocol 3.3)."""
    return calls.get(f"/api/v2/chats/{quote(chat_id, safe='')}")


def task_in_answer(body_text: str) -> str:
    """Return the id of the task that the answer to the question names. Raises ProtocolChanged."""
    data = _data(body_text)
    messages = data.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if task_id := _task_of(message):
            return task_id
    raise ProtocolChanged("The site took the wish for a film and named no task. A newer qwenproxy may know the form.")


def task_in_chat(body_text: str) -> str | None:
    """Return the id of the task that a chat's messages name, None if none does."""
    data = _data(body_text)
    chat = data.get("chat")
    places = [chat, chat.get("history")] if isinstance(chat, dict) else []
    for place in places:
        messages = place.get("messages") if isinstance(place, dict) else None
        entries = messages.values() if isinstance(messages, dict) else messages if isinstance(messages, list) else ()
        for message in entries:
            if task_id := _task_of(message):
                return task_id
    return None


def film_status(body_text: str) -> FilmStatus:
    """Return how a task stands, from either form of the answer. Raises ProtocolChanged."""
    data = _data(body_text)
    status = data.get("task_status", data.get("status"))
    if not isinstance(status, str):
        raise ProtocolChanged("The site's task has an unknown form. A newer qwenproxy may know it.")
    result = data.get("result")
    address = data.get("content") or (result.get("url") if isinstance(result, dict) else "")
    address = address.strip() if isinstance(address, str) else ""
    if status.lower() in _DONE and address:
        return FilmStatus("done", address=address)
    if status.lower() in _RUNNING:
        return FilmStatus("running")
    message = data.get("message")
    return FilmStatus("failed", message=message if isinstance(message, str) else "")


def _data(body_text: str) -> dict[str, Any]:
    answer = object_in(body_text) or {}
    data = answer.get("data")
    return data if isinstance(data, dict) else answer


def _task_of(message: Any) -> str | None:
    extra = message.get("extra") if isinstance(message, dict) else None
    wanx = extra.get("wanx") if isinstance(extra, dict) else None
    task_id = wanx.get("task_id") if isinstance(wanx, dict) else None
    return task_id if isinstance(task_id, str) and task_id else None
