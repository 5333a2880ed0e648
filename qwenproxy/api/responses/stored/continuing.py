"""What a request for a response goes on from: an earlier response, a conversation, or what its socket remembers.

Puts the earlier items before those of the request, so that the model and the verified reuse see the whole conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from qwenproxy.api.fields import read_text
from qwenproxy.api.responses.encoder import Fetch
from qwenproxy.api.responses.objects import Item
from qwenproxy.api.responses.request import ResponseRequest, conversation_id, parse_response
from qwenproxy.chat.waiting import ClientGoneCheck
from qwenproxy.errors import NotFound
from qwenproxy.history.stored import Stored
from qwenproxy.history.stored.responses import ENDED_WELL, NewResponse

Response = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A response that its socket can go on from, and all items up to its end."""

    id: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: its client, a check whether it left, what only its connection remembers, and what fetches pictures."""

    stored: Stored
    client: str
    client_gone: ClientGoneCheck
    remembered: Remembered | None = None
    fetch: Fetch | None = None

    def earlier(self, body: Mapping[str, Any], waiting: ExitStack) -> list[Item]:
        """Return the items that a body goes on from, the oldest first; its conversation is held by `waiting`.

        Raises PreviousResponseNotFound, NotFound, QueueTimeout, ClientGone, StorageError.
        """
        previous, conversation = read_text(body, "previous_response_id"), conversation_id(body)
        if previous and conversation:
            return []  # the parser refuses that
        if conversation:
            return self._items_of(conversation, waiting)
        if not previous:
            return []
        if self.remembered and self.remembered.id == previous:
            return list(self.remembered.items)
        return self.stored.responses.earlier(previous, self.client)

    def _items_of(self, conversation: str, waiting: ExitStack) -> list[Item]:
        try:
            waiting.enter_context(self.stored.conversations.turn(conversation, self.client, self.client_gone))
            return self.stored.conversations.items(conversation, self.client)
        except NotFound as error:
            raise NotFound(error.message, param="conversation") from None

    def item(self, item_id: str) -> Item | None:
        """Return the item that a reference names, None if there is none. Raises StorageError."""
        for item in self.remembered.items if self.remembered else ():
            if item.get("id") == item_id:
                return item
        return self.stored.responses.item(item_id, self.client)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with the items before it."""

    request: ResponseRequest
    earlier: Sequence[Item]
    asker: Asker

    def new_response(self, response: Response) -> NewResponse:
        """Return what the store gets to know of a response to this request."""
        return NewResponse(self.asker.client, response, self.request.input_items, self.request.conversation)

    def remember(self, response: Response) -> Remembered | None:
        """Return what its socket remembers of a response, None for one that nothing can go on from."""
        if response["status"] not in ENDED_WELL:
            return None
        return Remembered(response["id"], (*self.earlier, *self.request.input_items, *response["output"]))

    def keep(self, response: Response) -> None:
        """Keep the final response, as far as the client wants that. Raises StorageError."""
        if self.request.store:
            self.asker.stored.responses.keep(self.new_response(response))
        elif self.request.conversation and response["status"] in ENDED_WELL:
            self.asker.stored.responses.keep_in_conversation(self.new_response(response))


def ask(body: Mapping[str, Any], asker: Asker, waiting: ExitStack) -> Asked:
    """Return the parsed request. Raises as the parser does, and as `Asker.earlier`."""
    earlier = asker.earlier(body, waiting)
    return Asked(parse_response(body, earlier, asker.item), earlier, asker)
