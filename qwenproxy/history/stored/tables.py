"""The tables of stored responses and conversations: statements over one transaction (contract 4.5).

Below the two kinds of objects, which say what a row means. Knows no request and no HTTP; an item is any JSON object
with an `id`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from qwenproxy.disk.state import Transaction

Item = dict[str, Any]

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
AT_ONCE = 64  # objects that are looked at when there are too many
LONGEST_CHAIN = 10_000  # responses; a damaged file may hold a circle

_CHAIN = """
    WITH RECURSIVE chain(id, previous, status, depth) AS (
        SELECT id, previous, status, 0 FROM stored_objects WHERE id = ? AND client = ?
        UNION ALL
        SELECT o.id, o.previous, o.status, c.depth + 1 FROM chain c JOIN stored_objects o ON o.id = c.previous
        WHERE o.client = ? AND c.depth < ?
    )
"""


@dataclass(frozen=True, slots=True)
class StoredLimits:
    """What is kept at most: responses and conversations in all, their bytes, and days since the last use."""

    objects: int = 20_000
    bytes: int = 512 << 20
    days: float = 30.0


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A response or a conversation without its items. Only a response has a `status`, and may have a `previous` one."""

    id: str
    client: str
    object: dict[str, Any] = field(repr=False)
    previous: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One response of a chain; `previous` is the id of the one before it."""

    id: str
    previous: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class PageWish:
    """The items that a client wants: at most `limit`, from the newest or the oldest on, after the item `after`."""

    limit: int = 20
    newest_first: bool = True
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Items in the order that the client asked for."""

    items: list[Item]
    has_more: bool


def insert(state: Transaction, stored: StoredObject, now: int) -> None:
    """Insert an object without items. `now` is in ms since 1970."""
    data = orjson.dumps(stored.object)
    state.do(
        "INSERT OR REPLACE INTO stored_objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        *(stored.id, stored.client, now, now, len(data), stored.previous, stored.status, data),
    )


def update(state: Transaction, stored: StoredObject) -> bool:
    """Write an object's new content; return False if it is not there any more."""
    data = orjson.dumps(stored.object)
    return bool(
        state.do(
            "UPDATE stored_objects SET object = ?, status = ?, bytes = bytes - length(object) + ? "
            "WHERE id = ? AND client = ?",
            *(data, stored.status, len(data), stored.id, stored.client),
        )
    )


def find(state: Transaction, object_id: str, client: str) -> StoredObject | None:
    """Return a client's object, None if there is none or its row is damaged."""
    rows = state.rows(
        "SELECT object, previous, status FROM stored_objects WHERE id = ? AND client = ?", object_id, client
    )
    content = as_object(rows[0][0]) if rows else None
    return None if content is None else StoredObject(object_id, client, content, *rows[0][1:])


def delete(state: Transaction, object_ids: Iterable[str]) -> int:
    """Delete objects with their items; return how many there were."""
    count = 0
    for object_id in object_ids:
        state.do("DELETE FROM stored_items WHERE owner = ?", object_id)
        count += state.do("DELETE FROM stored_objects WHERE id = ?", object_id)
    return count


def touch(state: Transaction, object_ids: Iterable[str], now: int) -> None:
    """Note that objects are used, so that they stay; not more often than once an hour."""
    for object_id in object_ids:
        state.do("UPDATE stored_objects SET used = ? WHERE id = ? AND used < ?", now, object_id, now - HOUR_MS)


def add_items(state: Transaction, owner: str, items: Sequence[Item], *, are_output: bool = False) -> None:
    """Append items to an object."""
    last = state.rows("SELECT max(place) FROM stored_items WHERE owner = ?", owner)[0][0]
    size = 0
    for place, item in enumerate(items, -1 if last is None else last):
        data = orjson.dumps(item)
        size += len(data)
        row = (owner, place + 1, str(item.get("id", "")), int(are_output), data)
        state.do("INSERT INTO stored_items VALUES (?, ?, ?, ?, ?)", *row)
    state.do("UPDATE stored_objects SET bytes = bytes + ? WHERE id = ?", size, owner)


def items_of(state: Transaction, owner: str, *, output: bool | None = None) -> list[Item]:
    """Return an object's items in order; only its output, or only the rest, if `output` is given."""
    condition = "" if output is None else f"AND is_output = {int(output)}"
    rows = state.rows(f"SELECT item FROM stored_items WHERE owner = ? {condition} ORDER BY place", owner)
    return [item for row in rows if (item := as_object(row[0])) is not None]


def page_of(state: Transaction, owner: str, wish: PageWish) -> ItemPage | None:
    """Return some of an object's items without its output; None if it has no item `after`."""
    order, beyond = ("DESC", "<") if wish.newest_first else ("ASC", ">")
    condition, values = "", ()
    if wish.after is not None:
        rows = state.rows(
            "SELECT place FROM stored_items WHERE owner = ? AND id = ? AND NOT is_output", owner, wish.after
        )
        if not rows:
            return None
        condition, values = f"AND place {beyond} ?", rows[0]
    rows = state.rows(
        f"SELECT item FROM stored_items WHERE owner = ? AND NOT is_output {condition} ORDER BY place {order} LIMIT ?",
        *(owner, *values, wish.limit + 1),
    )
    items = [item for row in rows[: wish.limit] if (item := as_object(row[0])) is not None]
    return ItemPage(items, len(rows) > wish.limit)


def item_of_client(state: Transaction, item_id: str, client: str) -> Item | None:
    """Return the newest item with this id in any object of a client."""
    rows = state.rows(
        "SELECT i.item FROM stored_items i JOIN stored_objects o ON o.id = i.owner "
        "WHERE i.id = ? AND o.client = ? ORDER BY o.used DESC LIMIT 1",
        *(item_id, client),
    )
    return as_object(rows[0][0]) if rows else None


def item_of_owner(state: Transaction, owner: str, item_id: str) -> Item | None:
    """Return one item of an object."""
    rows = state.rows("SELECT item FROM stored_items WHERE owner = ? AND id = ? LIMIT 1", owner, item_id)
    return as_object(rows[0][0]) if rows else None


def remove_item(state: Transaction, owner: str, item_id: str) -> bool:
    """Remove one item from an object; return whether it was there."""
    size = "SELECT coalesce(sum(length(item)), 0) FROM stored_items WHERE owner = ? AND id = ?"
    state.do(f"UPDATE stored_objects SET bytes = bytes - ({size}) WHERE id = ?", owner, item_id, owner)
    return bool(state.do("DELETE FROM stored_items WHERE owner = ? AND id = ?", owner, item_id))


def chain_of(state: Transaction, response_id: str, client: str) -> list[Link]:
    """Return a response and those before it, the newest first, as far as they are there."""
    rows = state.rows(
        f"{_CHAIN} SELECT id, previous, status FROM chain ORDER BY depth",
        *(response_id, client, client, LONGEST_CHAIN),
    )
    return [Link(*row) for row in rows]


def with_status(state: Transaction, *statuses: str) -> list[StoredObject]:
    """Return all objects with one of these statuses."""
    marks = ",".join("?" * len(statuses))
    rows = state.rows(
        f"SELECT id, client, object, previous, status FROM stored_objects WHERE status IN ({marks})", *statuses
    )
    return [
        StoredObject(row[0], row[1], content, *row[3:]) for row in rows if (content := as_object(row[2])) is not None
    ]


def keep_events(state: Transaction, object_id: str, client: str, events: bytes) -> None:
    """Keep the stream of a response beside it, if it is still there."""
    state.do(
        "UPDATE stored_objects SET events = ?, bytes = bytes - coalesce(length(events), 0) + ? "
        "WHERE id = ? AND client = ?",
        *(events, len(events), object_id, client),
    )


def events_of(state: Transaction, object_id: str, client: str) -> bytes | None:
    """Return the kept stream of a response, None if it has none."""
    rows = state.rows("SELECT events FROM stored_objects WHERE id = ? AND client = ?", object_id, client)
    return rows[0][0] if rows and isinstance(rows[0][0], bytes) else None


def expire(state: Transaction, limits: StoredLimits, now: int) -> None:
    """Delete what is too old or too much; what was used longest ago goes first."""
    old = state.rows("SELECT id FROM stored_objects WHERE used < ?", now - int(limits.days * DAY_MS))
    delete(state, (row[0] for row in old))
    count, size = state.rows("SELECT count(*), coalesce(sum(bytes), 0) FROM stored_objects")[0]
    while count > limits.objects or size > limits.bytes:
        surplus = []
        for object_id, object_size in state.rows("SELECT id, bytes FROM stored_objects ORDER BY used LIMIT ?", AT_ONCE):
            if count <= limits.objects and size <= limits.bytes:
                break
            surplus.append(object_id)
            count, size = count - 1, size - object_size
        if not delete(state, surplus):
            return


def as_object(data: Any) -> dict[str, Any] | None:
    """Return the JSON object in a column; None for anything else, which a damaged file may hold."""
    try:
        value = orjson.loads(data) if isinstance(data, bytes) else None
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
