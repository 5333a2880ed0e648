"""The jobs of films, in a table of state.db: what was asked, where the site makes it, what became of it (contract 11).

Each belongs to the client that asked; to another client it does not exist. Knows neither the site nor HTTP.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal

from qwenproxy.disk.state import Row, State, Transaction
from qwenproxy.errors import NotFound
from qwenproxy.upstream.places import SiteChat

Status = Literal["queued", "in_progress", "completed", "failed"]

DAY_MS = 86_400_000
_COLUMNS = (
    "id, client, created, status, account, chat, task, prompt, model, size, seconds, address, ended, error, reason"
)


@dataclass(frozen=True, slots=True)
class FilmJob:
    """One film. `size` is `WIDTHxHEIGHT`, times are in ms since 1970; `task_id` is "" until the site has named it.

    `size` and `seconds` are what was asked for, or usual, until the film is there; then they are true. `error` is the
    code of a failure, `reason` its message.
    """

    id: str
    client: str
    created: int
    status: Status
    account_id: str
    chat_id: str
    task_id: str
    prompt: str
    model: str
    size: str
    seconds: str
    address: str = ""
    ended: int | None = None
    error: str = ""
    reason: str = ""

    @property
    def chat(self) -> SiteChat:
        """The chat on the site that it is made in."""
        return SiteChat(self.account_id, self.chat_id)

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ("completed", "failed")


@dataclass(frozen=True, slots=True)
class JobPageWish:
    """The jobs that a client wants: at most `limit`, from the newest or the oldest on, after the job `after`."""

    limit: int = 20
    newest_first: bool = True
    after: str | None = None


class FilmJobs:
    """All jobs of one session folder. Safe among threads. All methods raise StorageError."""

    def __init__(self, state: State) -> None:
        self._state = state

    def put(self, job: FilmJob) -> None:
        """Write a job down; one of the same id is replaced."""
        row = (
            *(job.id, job.client, job.created, job.status, job.account_id, job.chat_id, job.task_id, job.prompt),
            *(job.model, job.size, job.seconds, job.address, job.ended, job.error, job.reason),
        )
        marks = ",".join("?" * len(row))
        # Not INSERT OR REPLACE, which would give it another place in the order.
        names = [name for name in _COLUMNS.split(", ") if name != "id"]
        update = ", ".join(f"{name} = excluded.{name}" for name in names)
        statement = f"INSERT INTO films ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {update}"
        self._state.change(lambda state: state.do(statement, *row))

    def note(self, job: FilmJob) -> bool:
        """Write what became of a job; return False if it was deleted meanwhile."""
        values = (job.status, job.account_id, job.chat_id, job.task_id, job.size, job.seconds, job.address, job.ended)
        statement = (
            "UPDATE films SET status = ?, account = ?, chat = ?, task = ?, size = ?, seconds = ?, address = ?, "
            "ended = ?, error = ?, reason = ? WHERE id = ?"
        )
        return bool(self._state.change(lambda state: state.do(statement, *values, job.error, job.reason, job.id)))

    def note_start(self, job: FilmJob, now: int) -> bool:
        """Write down that the site makes a film; return False if its job was deleted meanwhile."""

        def write(state: Transaction) -> bool:
            state.do("INSERT OR REPLACE INTO film_starts VALUES (?, ?)", job.account_id, now)
            return bool(
                state.do(
                    "UPDATE films SET status = ?, account = ?, chat = ?, task = ? WHERE id = ?",
                    *(job.status, job.account_id, job.chat_id, job.task_id, job.id),
                )
            )

        return self._state.change(write)

    def has_started_today(self, account_id: str, now: int) -> bool:
        """Tell whether an account has started a film since 00:00 UTC, also one that was deleted."""
        day = now - now % DAY_MS
        return bool(self._state.rows("SELECT 1 FROM film_starts WHERE account = ? AND at >= ?", account_id, day))

    def find(self, job_id: str) -> FilmJob | None:
        """Return a job, None if there is none."""
        rows = self._state.rows(f"SELECT {_COLUMNS} FROM films WHERE id = ?", job_id)
        return FilmJob(*rows[0]) if rows else None

    def of(self, job_id: str, client: str) -> FilmJob:
        """Return a client's job. Raises NotFound."""
        job = self.find(job_id)
        if job is None or job.client != client:
            raise NotFound(f"Video with id '{job_id[:100]}' not found. It may be too old, or belong to another key.")
        return job

    def page(self, client: str, wish: JobPageWish) -> tuple[list[FilmJob], bool]:
        """Return some of a client's jobs, and whether there are more. Raises NotFound for an unknown `after`."""
        order, beyond = ("DESC", "<") if wish.newest_first else ("ASC", ">")
        condition = ""
        values: Row = ()
        if wish.after is not None:
            self.of(wish.after, client)
            condition, values = f"AND rowid {beyond} (SELECT rowid FROM films WHERE id = ?)", (wish.after,)
        rows = self._state.rows(
            f"SELECT {_COLUMNS} FROM films WHERE client = ? {condition} ORDER BY rowid {order} LIMIT ?",
            *(client, *values, wish.limit + 1),
        )
        return [FilmJob(*row) for row in rows[: wish.limit]], len(rows) > wish.limit

    def unfinished(self) -> list[FilmJob]:
        """Return all jobs that are not over."""
        rows = self._state.rows(f"SELECT {_COLUMNS} FROM films WHERE status IN ('queued', 'in_progress')")
        return [FilmJob(*row) for row in rows]

    def older_than(self, created: int) -> list[FilmJob]:
        """Return the jobs that were made before a moment (ms since 1970)."""
        return [FilmJob(*row) for row in self._state.rows(f"SELECT {_COLUMNS} FROM films WHERE created < ?", created)]

    def delete(self, job_id: str) -> None:
        """Delete a job. Idempotent."""
        self._state.change(lambda state: state.do("DELETE FROM films WHERE id = ?", job_id))


def new_id() -> str:
    """Return an id for a job."""
    return f"video_{secrets.token_hex(16)}"
