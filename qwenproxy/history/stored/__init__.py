"""What clients of the Responses API store here: responses and conversations, with their items (contract 4.5)."""

from __future__ import annotations

from dataclasses import dataclass

from qwenproxy.disk.state import State
from qwenproxy.history.stored.conversations import StoredConversations
from qwenproxy.history.stored.responses import StoredResponses
from qwenproxy.history.stored.tables import StoredLimits


@dataclass(frozen=True, slots=True)
class Stored:
    """All that is stored in one session folder."""

    responses: StoredResponses
    conversations: StoredConversations


def stored_in(state: State, days: float, queue_wait: float) -> Stored:
    """Return what is stored there; what nobody used for so many days goes.

    A response waits up to `queue_wait` seconds for an earlier one in its conversation.
    """
    limits = StoredLimits(days=days)
    return Stored(StoredResponses(state, limits), StoredConversations(state, limits, queue_wait))
