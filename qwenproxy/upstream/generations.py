"""Decide which answer in a body counts: the site may write two at once, each with its own id.

Only the event decoder uses this (protocol 5.7). Knows ids, no frames.
"""

from __future__ import annotations

from qwenproxy.chat import Started


class Generations:
    """The answers in one body; the one whose text comes first counts.

    Thoughts count from that answer and from the one that thought first: the site may give the thinking of an answer its
    own id. Frames without an id belong to the answer that counts.
    """

    def __init__(self) -> None:
        self._answers: dict[str, Started] = {}
        self._chosen_id = ""
        self._thinker_id = ""

    @property
    def started(self) -> Started | None:
        """The ids of the answer that counts; until it has text, of the first answer. None before any answer."""
        if self._chosen_id:
            return self._answers[self._chosen_id]
        return next(iter(self._answers.values()), None)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all answers so far. The site writes each of them until somebody stops it."""
        return tuple(self._answers)

    def create(self, started: Started) -> None:
        """Note that the site begins an answer."""
        self._answers.setdefault(started.response_id, started)

    def choose(self, response_id: str) -> None:
        """Note that this answer has text: from now on the first one with text counts."""
        if self._chosen_id or not response_id:
            return
        first = self.started
        self.create(Started(response_id, first.parent_id if first else ""))
        self._chosen_id = response_id

    def is_other(self, response_id: str) -> bool:
        """Tell whether this answer does not count."""
        return bool(self._chosen_id and response_id) and response_id != self._chosen_id

    def thinks(self, response_id: str) -> bool:
        """Tell whether the thoughts of this answer count; the first answer asked about is the one that thinks."""
        self._thinker_id = self._thinker_id or response_id
        return response_id in ("", self._thinker_id, self._chosen_id)
