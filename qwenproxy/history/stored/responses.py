"""Stored responses: what GET shows, what a later request goes on from, and what became of those in the background.

Stands on state.db; the wire API of Responses hands in finished objects. Each belongs to the client that made it; to
another client it does not exist. Knows neither HTTP nor how an answer is made.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from qwenproxy.disk.state import State, Transaction
from qwenproxy.errors import NotFound, PreviousResponseNotFound, RequestError
from qwenproxy.history.stored import tables
from qwenproxy.history.stored.tables import Item, ItemPage, Link, PageWish, StoredLimits, StoredObject

log = logging.getLogger(__name__)

UNFINISHED = ("queued", "in_progress")
ENDED_WELL = ("completed", "incomplete")
INTERRUPTED = {
    "code": "server_error",
    "message": "qwenproxy ended before this response was complete. Send the request again.",
}

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class NewResponse:
    """A response as a client gets it, the items of its own input, and the conversation that it goes into."""

    client: str
    object: dict[str, Any]
    inputs: Sequence[Item]
    conversation: str | None = None


class StoredResponses:
    """All stored responses. Safe among threads; `clock` gives seconds since 1970."""

    def __init__(self, state: State, limits: StoredLimits, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._limits = limits
        self._clock = clock
        self._starting = threading.Lock()
        self._has_started = False

    def keep(self, response: NewResponse) -> None:
        """Keep a response that has ended, and put its items into its conversation. Raises StorageError."""
        self._change(lambda state: self._insert(state, response))

    def keep_in_conversation(self, response: NewResponse) -> None:
        """Only put the items of a response that is not stored into its conversation. Raises StorageError."""
        self._change(lambda state: self._add_to_conversation(state, response, response.object["output"]))

    def begin(self, response: NewResponse) -> None:
        """Keep a response that has yet to be made, or is under way. Raises StorageError."""
        self._change(lambda state: self._insert(state, replace(response, conversation=None)))

    def note(self, response: NewResponse) -> bool:
        """Write what became of a response that was begun; False if it was deleted meanwhile. Raises StorageError."""
        stored, output = _taken_apart(response)

        def write(state: Transaction) -> bool:
            if not tables.update(state, stored):
                return False
            tables.add_items(state, stored.id, output, are_output=True)
            if stored.status in ENDED_WELL:
                self._add_to_conversation(state, response, output)
            return True

        return self._change(write)

    def get(self, response_id: str, client: str) -> dict[str, Any]:
        """Return a response. Raises NotFound, StorageError."""

        def read(state: Transaction) -> dict[str, Any]:
            stored = _existing(state, response_id, client)
            return {**stored.object, "output": tables.items_of(state, response_id, output=True)}

        return self._look(read)

    def keep_events(self, response_id: str, client: str, events: bytes) -> None:
        """Keep the stream of a response, so that it can be read again. Raises StorageError."""
        self._change(lambda state: tables.keep_events(state, response_id, client, events))

    def events(self, response_id: str, client: str) -> bytes | None:
        """Return the kept stream of a response. Raises StorageError."""
        return self._look(lambda state: tables.events_of(state, response_id, client))

    def delete(self, response_id: str, client: str) -> None:
        """Delete a response. Raises NotFound, StorageError."""

        def write(state: Transaction) -> None:
            _existing(state, response_id, client)
            tables.delete(state, [response_id])

        self._change(write)

    def inputs(self, response_id: str, client: str, wish: PageWish) -> ItemPage:
        """Return some of the items that a response answers. Raises NotFound, RequestError, StorageError."""

        def read(state: Transaction) -> ItemPage | None:
            _existing(state, response_id, client)
            return tables.page_of(state, response_id, wish)

        page = self._look(read)
        if page is None:
            raise RequestError("There is no input item with this id. Use one of this response in after.", param="after")
        return page

    def earlier(self, response_id: str, client: str) -> list[Item]:
        """Return all items up to the end of a response, the oldest first, and note that they are used.

        Raises PreviousResponseNotFound, RequestError if the response has not ended well, StorageError.
        """

        def read(state: Transaction) -> tuple[list[Link], list[Item]]:
            chain = tables.chain_of(state, response_id, client)
            tables.touch(state, (link.id for link in chain), self._now())
            return chain, [item for link in reversed(chain) for item in tables.items_of(state, link.id)]

        chain, items = self._change(read)
        if not chain or chain[-1].previous is not None:
            raise PreviousResponseNotFound((chain[-1].previous if chain else None) or response_id)
        for link in chain:
            _check_ended(link)
        return items

    def item(self, item_id: str, client: str) -> Item | None:
        """Return an item of any response or conversation of a client, None if there is none. Raises StorageError."""
        return self._look(lambda state: tables.item_of_client(state, item_id, client))

    def _insert(self, state: Transaction, response: NewResponse) -> None:
        stored, output = _taken_apart(response)
        now = self._now()
        tables.insert(state, stored, now)
        tables.add_items(state, stored.id, response.inputs)
        tables.add_items(state, stored.id, output, are_output=True)
        if stored.status in ENDED_WELL:
            self._add_to_conversation(state, response, output)
        tables.expire(state, self._limits, now)

    def _add_to_conversation(self, state: Transaction, response: NewResponse, output: Sequence[Item]) -> None:
        owner = response.conversation
        if owner is not None and tables.find(state, owner, response.client) is not None:
            tables.add_items(state, owner, [*response.inputs, *output])
            tables.touch(state, [owner], self._now())

    def _change(self, work: Callable[[Transaction], Result]) -> Result:
        self._end_interrupted()
        return self._state.change(work)

    def _look(self, work: Callable[[Transaction], Result]) -> Result:
        self._end_interrupted()
        return self._state.look(work)

    def _end_interrupted(self) -> None:
        """Before the first use, end what another server left unfinished: nobody works on it any more."""
        with self._starting:
            if self._has_started:
                return
            self._state.change(_fail_all)
            self._has_started = True

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _fail_all(state: Transaction) -> None:
    for stored in tables.with_status(state, *UNFINISHED):
        failed = {**stored.object, "status": "failed", "error": INTERRUPTED}
        tables.update(state, replace(stored, object=failed, status="failed"))
        log.warning("response %s was interrupted by the end of the server", stored.id)


def _taken_apart(response: NewResponse) -> tuple[StoredObject, list[Item]]:
    """Return the object without its output, and its output."""
    content = {name: value for name, value in response.object.items() if name != "output"}
    previous, status = content.get("previous_response_id"), content["status"]
    return StoredObject(content["id"], response.client, content, previous, status), list(response.object["output"])


def _existing(state: Transaction, response_id: str, client: str) -> StoredObject:
    stored = tables.find(state, response_id, client)
    if stored is None or stored.status is None:  # only a conversation has none
        raise response_not_found(response_id)
    return stored


def response_not_found(response_id: str) -> NotFound:
    """Return the error for a response that does not exist for a client."""
    name = response_id[:100]
    return NotFound(f"Response with id '{name}' not found. It may be too old, or was made with store: false.")


def _check_ended(link: Link) -> None:
    if link.status not in ENDED_WELL:
        raise RequestError(
            f"The response '{link.id}' is {link.status}, so nothing can go on from it. Wait for it, or go on from the "
            "one before it.",
            param="previous_response_id",
        )
