"""The films that the site is making, each as a task that belongs to one account (protocol 8.3)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from qwenproxy.sandbox.envelope import SiteError

_MAX_TASKS = 200  # a soak test must not fill the memory


@dataclass(slots=True)
class Task:
    """One film. It is ready at `ready_at` on the site's clock; `message` holds the fields of its answer in the chat.

    `status` is `running`, `success` or `failed`; `content` is the film's address once it is there.
    """

    id: str
    account_id: str
    chat_type: str
    chat_id: str
    message: dict[str, Any]
    size: str
    ready_at: float
    fails: bool = False
    status: str = "running"
    content: str = ""


class Tasks:
    """All tasks of a sandbox."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    def add(self, task: Task) -> None:
        """Keep a task, and forget the oldest of too many."""
        self._tasks[task.id] = task
        while len(self._tasks) > _MAX_TASKS:
            del self._tasks[next(iter(self._tasks))]

    def get(self, account_id: str, task_id: str) -> Task:
        """Return a task of this account. Raises SiteError (404) if it has no such task."""
        task = self._tasks.get(task_id)
        if task is None or task.account_id != account_id:
            raise SiteError(404, "Not_Found", "Task not found")
        return task

    def running(self) -> list[Task]:
        """Return the tasks that are not over."""
        return [task for task in self._tasks.values() if task.status == "running"]


def new_id() -> str:
    """Return an id for a task."""
    return str(uuid.uuid4())
