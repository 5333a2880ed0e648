"""Conversations that clients keep, and send whole: where on the site each of them may go on (contract 7.4).

Stands between the conversations, which ask, and the index of places. Knows neither the disk nor the site's calls.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from qwenproxy.chat import ChatRequest
from qwenproxy.history.in_use import ChatsInUse
from qwenproxy.history.prefixes import Prefixes
from qwenproxy.history.site_index import Candidate, SiteIndex
from qwenproxy.upstream.places import SitePlace


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a conversation before it is asked.

    `candidate` is the place that this request has for itself; None if it has none, although a beginning `is_known`.
    """

    prefixes: Prefixes
    is_known: bool = False
    candidate: Candidate | None = None

    @property
    def place(self) -> SitePlace | None:
        """Where the conversation goes on, None if it has to be sent whole."""
        found = self.candidate
        if found is None or not found.may_ask:
            return None
        return SitePlace(found.chat, found.response_id, found.holds, found.model, found.way, found.is_newest)


class ClientChats:
    """The places of all conversations that clients keep, and how many of those are recorded at most."""

    def __init__(self, index: SiteIndex, record_limit: int) -> None:
        """`record_limit` 0 records none."""
        self.index = index
        self.in_use = ChatsInUse()
        self.record_limit = record_limit

    def find(self, request: ChatRequest, waiting: ExitStack) -> Known:
        """Return what is known of a request's conversation; its chat serves no other request until `waiting` ends."""
        prefixes, candidates = self._look_up(request)
        for candidate in candidates:
            if self.in_use.claim(candidate.chat):
                waiting.callback(self.in_use.release, candidate.chat)
                return Known(prefixes, True, candidate)
        return Known(prefixes, bool(candidates))

    def foresee(self, request: ChatRequest) -> Known:
        """Return what `find` would, and let every chat serve other requests."""
        prefixes, candidates = self._look_up(request)
        free = [candidate for candidate in candidates if candidate.chat not in self.in_use]
        return Known(prefixes, bool(candidates), free[0] if free else None)

    def _look_up(self, request: ChatRequest) -> tuple[Prefixes, list[Candidate]]:
        """Return the beginnings of a request, and the places that fit them, the best first."""
        prefixes = Prefixes(request)
        candidates = self.index.find(prefixes.continuable())
        return prefixes, sorted(candidates, key=lambda each: not each.may_ask)
