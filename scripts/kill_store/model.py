"""What the store has to hold after a kill: what each object looks like, and the change that each thread was at.

Knows the store by its public methods; the raw tables are looked at for what those would not show.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qwenproxy.disk.state import State
from qwenproxy.errors import NotFound
from qwenproxy.history.stored import Stored, stored_in
from qwenproxy.history.stored.responses import INTERRUPTED, UNFINISHED
from qwenproxy.history.stored.tables import PageWish

CLIENT = "client"
DAYS = 30.0
QUEUE_WAIT = 5.0  # seconds
MOST_ITEMS = 100  # that one page shows

Snapshot = dict[str, Any]
Changes = dict[str, Snapshot | None]  # by id of the object: what it looks like afterwards, None if it is gone


class Wrong(Exception):
    """The store does not hold what it has to."""


@dataclass
class Model:
    """All objects as they were confirmed, by thread."""

    objects: dict[int, dict[str, Snapshot]] = field(default_factory=dict)

    def confirm(self, thread: int, changes: Changes) -> None:
        """Note a change that the store has confirmed."""
        own = self.objects.setdefault(thread, {})
        for object_id, snapshot in changes.items():
            if snapshot is None:
                own.pop(object_id, None)
            else:
                own[object_id] = snapshot

    def ids(self) -> set[str]:
        """Return the ids of all objects."""
        return {object_id for own in self.objects.values() for object_id in own}


def stored_at(path: Path) -> tuple[State, Stored]:
    """Open the store of a database; close the state."""
    state = State(path)
    return state, stored_in(state, DAYS, QUEUE_WAIT)


def check(path: Path, model: Model, pending: dict[int, Changes], counts: Counter[str]) -> None:
    """Hold the store against the model, and bring the model up to date with it. Raises Wrong.

    `pending` is the change that each thread had begun. `counts` gets what became of those, and of jobs.
    """
    state, stored = stored_at(path)
    try:
        _name_new_ones(state, model, pending)
        for thread in model.objects.keys() | pending.keys():
            _check_thread(stored, model, thread, pending.get(thread, {}), counts)
    finally:
        state.close()
    _check_tables(path, model.ids())


def _name_new_ones(state: State, model: Model, pending: dict[int, Changes]) -> None:
    """Put the ids that the store chose into changes that were cut off before their thread got to know them."""
    known = model.ids()
    for object_id, data in state.rows("SELECT id, object FROM stored_objects WHERE status IS NULL"):
        content = json.loads(data)
        name = new_name(content["metadata"])
        for changes in pending.values():
            if object_id not in known and (snapshot := changes.pop(name, None)):
                made = {**snapshot["object"], "id": object_id, "created_at": content["created_at"]}
                changes[object_id] = {**snapshot, "object": made}


def new_name(metadata: dict[str, str]) -> str:
    """Return what stands for the id of a conversation until the store has chosen one; its `mark` is unique."""
    return f"new {metadata['mark']}"


def _check_thread(stored: Stored, model: Model, thread: int, changes: Changes, counts: Counter[str]) -> None:
    before = model.objects.get(thread, {})
    actual = {object_id: _look(stored, object_id) for object_id in before.keys() | changes.keys()}
    undone = {object_id: _after_kill(before.get(object_id)) for object_id in actual}
    done = {**undone, **{object_id: _after_kill(snapshot) for object_id, snapshot in changes.items()}}
    if actual not in (undone, done):
        odd = [object_id for object_id in actual if actual[object_id] not in (undone[object_id], done[object_id])]
        raise Wrong(f"thread {thread}: {odd or 'half a change'}: {actual} is neither {undone} nor {done}")
    counts["objects looked at"] += len(actual)
    if changes:
        counts["changes cut off, done" if actual == done else "changes cut off, not done"] += 1
    last = done if actual == done else undone
    jobs = {**before, **(changes if actual == done else {})}
    counts["jobs that were under way and have failed"] += sum(is_under_way(each) for each in jobs.values())
    model.confirm(thread, last)


def is_under_way(snapshot: Snapshot | None) -> bool:
    """Tell whether an object is a response that has not ended."""
    return snapshot is not None and snapshot["object"].get("status") in UNFINISHED


def _after_kill(snapshot: Snapshot | None) -> Snapshot | None:
    """Return what an object looks like at the next start: what was under way has failed, as the contract says."""
    if snapshot is None or not is_under_way(snapshot):
        return snapshot
    return {**snapshot, "object": {**snapshot["object"], "status": "failed", "error": INTERRUPTED}}


def _look(stored: Stored, object_id: str) -> Snapshot | None:
    """Return an object with its items as the store shows it, None if there is none."""
    wish = PageWish(MOST_ITEMS, newest_first=False)
    try:
        if object_id.startswith("conv_"):
            return {
                "object": stored.conversations.get(object_id, CLIENT),
                "items": stored.conversations.items(object_id, CLIENT),
            }
        return {
            "object": stored.responses.get(object_id, CLIENT),
            "items": stored.responses.inputs(object_id, CLIENT, wish).items,
            "events": (stored.responses.events(object_id, CLIENT) or b"").decode(),
        }
    except NotFound:
        return None


def _check_tables(path: Path, known: set[str]) -> None:
    """Check the file itself: its pages, rows that belong to nothing, sizes. Raises Wrong."""
    usual = {path.name, f"{path.name}-wal", f"{path.name}-shm", f".{path.name}.lock"}
    if strange := {each.name for each in path.parent.iterdir()} - usual:
        raise Wrong(f"the store left {strange}")  # also a file that it took for a broken one
    connection = sqlite3.connect(path)
    try:
        [(verdict,)] = connection.execute("PRAGMA integrity_check").fetchall()
        ids = {row[0] for row in connection.execute("SELECT id FROM stored_objects")}
        owners = {row[0] for row in connection.execute("SELECT DISTINCT owner FROM stored_items")}
        wrong_sizes = connection.execute(
            "SELECT id FROM stored_objects o WHERE bytes != length(object) + coalesce(length(events), 0) + "
            "(SELECT coalesce(sum(length(item)), 0) FROM stored_items WHERE owner = o.id)"
        ).fetchall()
    finally:
        connection.close()
    if verdict != "ok" or ids != known or owners - ids or wrong_sizes:
        raise Wrong(
            f"the file: {verdict}; nobody's objects {ids - known}; lost ones {known - ids}; items of nothing "
            f"{owners - ids}; wrong sizes {wrong_sizes}"
        )
