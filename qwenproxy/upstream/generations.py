"""Which of the answers in one body counts: the site may write two of them at once, each with an id of its own.

Used by the event decoder alone (protocol 5.7). Knows ids, no frames.
"""

from __future__ import annotations

from qwenproxy.chat import Started


class Generations:
    """The answers that one body carries; the one whose text comes first is passed on.

    Thoughts are taken from that one, and from the one that thought first: the site may give an answer's thinking an id
    of its own. Frames without an id belong to the answer that counts.
    """

    def __init__(self) -> None:
        """Begin before any of them is known."""
        self._created: dict[str, Started] = {}
        self._chosen = ""
        self._thinker = ""

    @property
    def started(self) -> Started | None:
        """The ids of the answer that counts; until its text comes, of the first one. None before there is any."""
        if self._chosen:
            return self._created[self._chosen]
        return next(iter(self._created.values()), None)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all answers so far, each of which the site goes on writing until it is stopped."""
        return tuple(self._created)

    def create(self, started: Started) -> None:
        """Take note of an answer that the site begins."""
        self._created.setdefault(started.response_id, started)

    def choose(self, response_id: str) -> None:
        """Take note that this answer has text: the first one to have any counts from here on."""
        if self._chosen or not response_id:
            return
        first = self.started
        self.create(Started(response_id, first.parent_id if first else ""))
        self._chosen = response_id

    def is_other(self, response_id: str) -> bool:
        """Tell whether this answer is one that does not count."""
        return bool(self._chosen and response_id) and response_id != self._chosen

    def thinks(self, response_id: str) -> bool:
        """Tell whether the thoughts of this answer are passed on."""
        self._thinker = self._thinker or response_id
        return response_id in ("", self._thinker, self._chosen)
