"""Records of the conversations that clients keep: which of them stay, and what goes with the others (contract 7.5).

A record is a kept chat with a mark of its own; a chat that anybody made, renamed or went on with by the native API has
none. The recording of each answer says which records are in use, the conversations say which are none any more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from qwenproxy.errors import SetupError
from qwenproxy.history.client_chats import ClientChats
from qwenproxy.history.format import Chat
from qwenproxy.history.kept_answer import UPSTREAM
from qwenproxy.history.reuse import UpstreamMemory
from qwenproxy.history.store import HistoryStore
from qwenproxy.upstream.places import SiteChat

if TYPE_CHECKING:
    from qwenproxy.relay.questions import Relay

log = logging.getLogger(__name__)


class Records:
    """All records, by their last use. Safe among threads."""

    def __init__(self, history: HistoryStore, relay: Relay, client_chats: ClientChats) -> None:
        self.history = history
        self.relay = relay
        self.client_chats = client_chats
        self._order: dict[str, None] | None = None  # the one that was used longest ago first; None before the first use
        self._mutex = threading.Lock()

    def note(self, record: str) -> None:
        """Note that a record was used, and delete what is over the limit, here and on the site. Raises SetupError."""
        # Read before the lock is taken: the store's own lock is held where records are forgotten.
        older = self.history.recorded() if self._order is None else ()
        surplus = self._surplus(older, record)
        if surplus:
            self.history.delete_those(surplus, self._is_due, self.delete_upstream)

    def forget(self, chat_ids: Iterable[str]) -> None:
        """Note that chats are no records any more, so that they do not count."""
        with self._mutex:
            for chat_id in chat_ids:
                if self._order is not None:
                    self._order.pop(chat_id, None)

    def delete_upstream(self, chats: Sequence[Chat]) -> None:
        """Delete what the site has of kept chats that go. Raises SetupError."""
        going = [
            site_chat for chat in chats for site_chat in self.client_chats.index.release(chat.id, _site_chats(chat))
        ]
        self.relay.discard(going)
        self.forget(chat.id for chat in chats)

    def try_to_discard(self, chats: Iterable[SiteChat]) -> None:
        """Delete chats of the site that no record has; the log says if they stay."""
        try:
            self.relay.discard(chats)
        except SetupError as error:
            log.warning("chats of the site that nobody needs stay: %s", error.message)

    def _surplus(self, older: Iterable[str], record: str) -> list[str]:
        """Move a record to the end of the order; take those over the limit out of it and return them.

        `older` is the order at the first use.
        """
        with self._mutex:
            if self._order is None:
                self._order = dict.fromkeys(older)
            self._order.pop(record, None)
            self._order[record] = None
            count = max(0, len(self._order) - self.client_chats.record_limit)
            surplus = list(islice(self._order, count))
            for each in surplus:
                del self._order[each]
            return surplus

    def _is_due(self, chat: Chat) -> bool:
        """Tell whether a chat may go: it is a record still, and serves no request."""
        if chat.recorded_end is None:
            return False
        is_busy = self.history.in_line(chat.id) or any(each in self.client_chats.in_use for each in _site_chats(chat))
        if is_busy:
            with self._mutex:
                if self._order is not None:
                    self._order[chat.id] = None  # it is as good as used just now
        return not is_busy


def _site_chats(chat: Chat) -> tuple[SiteChat, ...]:
    return UpstreamMemory.from_json(chat.extra.get(UPSTREAM)).chats
