"""Conversations that clients of the Responses API keep here: items and metadata (contract 4.5).

Stands on state.db, beside the stored responses, which put their items in. Each belongs to the client that made it.
Knows neither HTTP nor what an item means.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qwenproxy.chat.waiting import ClientGoneCheck
from qwenproxy.disk.state import State, Transaction
from qwenproxy.errors import NotFound, RequestError
from qwenproxy.history.stored import tables
from qwenproxy.history.stored.tables import Item, ItemPage, PageWish, StoredLimits, StoredObject
from qwenproxy.history.turns import TurnQueues


class StoredConversations:
    """All conversations. Safe among threads."""

    def __init__(
        self, state: State, limits: StoredLimits, queue_wait: float = 60.0, clock: Callable[[], float] = time.time
    ) -> None:
        """`queue_wait` is how many seconds a response waits for its turn; `clock` gives seconds since 1970."""
        self._queues = TurnQueues()
        self._queue_wait = queue_wait
        self._state = state
        self._limits = limits
        self._clock = clock

    def create(self, client: str, metadata: Mapping[str, str], items: Sequence[Item]) -> dict[str, Any]:
        """Begin a conversation and return its object. Raises StorageError."""
        now = self._clock()
        conversation: dict[str, Any] = {
            "id": f"conv_{uuid.uuid4().hex}",
            "object": "conversation",
            "created_at": int(now),
            "metadata": dict(metadata),
        }
        stored = StoredObject(conversation["id"], client, conversation)

        def write(state: Transaction) -> None:
            tables.insert(state, stored, int(now * 1000))
            tables.add_items(state, stored.id, items)
            tables.expire(state, self._limits, int(now * 1000))

        self._state.change(write)
        return conversation

    def turn(
        self, conversation_id: str, client: str, client_gone: ClientGoneCheck
    ) -> contextlib.AbstractContextManager[None]:
        """Return what holds a conversation, so that responses in it are made one after the other.

        Raises NotFound, StorageError; to enter it raises QueueTimeout, ClientGone.
        """
        self.get(conversation_id, client)
        return self._queues.turn(conversation_id, self._queue_wait, client_gone)

    def get(self, conversation_id: str, client: str) -> dict[str, Any]:
        """Return a conversation's object. Raises NotFound, StorageError."""
        return self._state.look(lambda state: _existing(state, conversation_id, client).object)

    def update(self, conversation_id: str, client: str, metadata: Mapping[str, str]) -> dict[str, Any]:
        """Replace a conversation's metadata and return its object. Raises NotFound, StorageError."""

        def write(state: Transaction) -> dict[str, Any]:
            content = {**_existing(state, conversation_id, client).object, "metadata": dict(metadata)}
            tables.update(state, StoredObject(conversation_id, client, content))
            return content

        return self._state.change(write)

    def delete(self, conversation_id: str, client: str) -> None:
        """Delete a conversation with its items. Raises NotFound, StorageError."""

        def write(state: Transaction) -> None:
            _existing(state, conversation_id, client)
            tables.delete(state, [conversation_id])

        self._state.change(write)

    def items(self, conversation_id: str, client: str) -> list[Item]:
        """Return all items in order, and note that they are used. Raises NotFound, StorageError."""

        def read(state: Transaction) -> list[Item]:
            _existing(state, conversation_id, client)
            tables.touch(state, [conversation_id], int(self._clock() * 1000))
            return tables.items_of(state, conversation_id)

        return self._state.change(read)

    def page(self, conversation_id: str, client: str, wish: PageWish) -> ItemPage:
        """Return some of the items. Raises NotFound, RequestError, StorageError."""

        def read(state: Transaction) -> ItemPage | None:
            _existing(state, conversation_id, client)
            return tables.page_of(state, conversation_id, wish)

        page = self._state.look(read)
        if page is None:
            raise RequestError("There is no item with this id. Use one of this conversation in after.", param="after")
        return page

    def add(self, conversation_id: str, client: str, items: Sequence[Item]) -> None:
        """Append items. Raises NotFound, StorageError."""

        def write(state: Transaction) -> None:
            _existing(state, conversation_id, client)
            now = int(self._clock() * 1000)
            tables.add_items(state, conversation_id, items)
            tables.touch(state, [conversation_id], now)
            tables.expire(state, self._limits, now)

        self._state.change(write)

    def item(self, conversation_id: str, client: str, item_id: str) -> Item:
        """Return one item. Raises NotFound, StorageError."""

        def read(state: Transaction) -> Item | None:
            _existing(state, conversation_id, client)
            return tables.item_of_owner(state, conversation_id, item_id)

        item = self._state.look(read)
        if item is None:
            raise _no_item(item_id, conversation_id)
        return item

    def remove(self, conversation_id: str, client: str, item_id: str) -> dict[str, Any]:
        """Remove one item and return the conversation's object. Raises NotFound, StorageError."""

        def write(state: Transaction) -> dict[str, Any]:
            conversation = _existing(state, conversation_id, client).object
            if not tables.remove_item(state, conversation_id, item_id):
                raise _no_item(item_id, conversation_id)
            return conversation

        return self._state.change(write)


def _existing(state: Transaction, conversation_id: str, client: str) -> StoredObject:
    stored = tables.find(state, conversation_id, client)
    if stored is None or stored.status is not None:  # only a response has one
        raise NotFound(f"Conversation with id '{conversation_id[:100]}' not found. It may be too old.")
    return stored


def _no_item(item_id: str, conversation_id: str) -> NotFound:
    return NotFound(f"Item with id '{item_id[:100]}' not found in conversation '{conversation_id[:100]}'.")
