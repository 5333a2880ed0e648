"""The texts of messages for the dashboard, only while a person has switched that on: to see what a program sends.

The conversations hand them in, the dashboard shows them beside the request's row. In memory only, a bounded number,
and gone when it is switched off. Nothing of it goes into a log or the journal. Knows no request but its id.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate

from qwenproxy.observe.logs import NO_REQUEST, request_id

KEPT = 50  # requests
CHARACTERS = 40_000  # of the messages of one request, and of its answer


@dataclass(frozen=True, slots=True)
class Texts:
    """What one request said: role and text of its newest messages, and the answer as far as it came.

    `left_out` counts the older messages that are not kept; `answer` is None before it ends.
    """

    messages: tuple[tuple[str, str], ...] = ()
    left_out: int = 0
    answer: str | None = None


class MessageTexts:
    """The texts of the last requests since it was switched on; off at the start. For any thread."""

    def __init__(self) -> None:
        self._is_on = False
        self._texts: OrderedDict[str, Texts] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Whether texts are kept now."""
        return self._is_on

    def switch(self, *, on: bool) -> None:
        """Keep texts from now on, or no more; then what was kept is forgotten."""
        with self._lock:
            self._is_on = on
            if not on:
                self._texts.clear()

    def of(self, row_id: str) -> Texts | None:
        """Return the texts of a request, None if they are not kept."""
        with self._lock:
            return self._texts.get(row_id)

    def note_question(self, messages: Iterable[tuple[str, str]]) -> None:
        """Keep the messages of the current request, the newest whole ones up to a bound; of a longer one the end."""
        if not self._is_on:
            return
        newest_first = list(messages)[::-1]
        ends = list(accumulate(len(text) for _, text in newest_first))
        count = max(1, sum(end <= CHARACTERS for end in ends))
        kept = [(role, text[-CHARACTERS:]) for role, text in newest_first[:count]]
        self._put(Texts(tuple(kept[::-1]), len(newest_first) - len(kept)))

    def note_answer(self, text: str) -> None:
        """Keep the answer to the current request as far as it came."""
        if not self._is_on:
            return
        before = self.of(request_id.get())
        self._put(replace(before or Texts(), answer=text[:CHARACTERS]))

    def _put(self, texts: Texts) -> None:
        row_id = request_id.get()
        if row_id == NO_REQUEST:
            return
        with self._lock:
            if not self._is_on:  # it was switched off meanwhile
                return
            self._texts[row_id] = texts
            if len(self._texts) > KEPT:
                self._texts.popitem(last=False)
