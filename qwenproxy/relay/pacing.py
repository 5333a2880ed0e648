"""How long each part of an answer was waited for, told once at its end: an event for each part would be too dear.

The run puts it around its events. Time in which the client reads does not count. Knows nothing of an answer but Tick.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator

from qwenproxy.chat import Event, Tick
from qwenproxy.observe import journal


def paced(events: Iterator[Event], clock: Callable[[], float]) -> Iterator[Event]:
    """Pass events on; note at their end, or when they fail, how long each part but the first was waited for."""
    counts, total = [0] * (len(journal.DELAYS) + 1), 0.0
    waited, has_begun = 0.0, False
    resumed_at = clock()
    try:
        for event in events:
            waited += clock() - resumed_at
            if not isinstance(event, Tick):
                if has_begun:
                    counts[bisect_left(journal.DELAYS, waited)] += 1
                    total += waited
                waited, has_begun = 0.0, True
            yield event
            resumed_at = clock()
    except Exception:
        journal.note(journal.AnswerPaced(tuple(counts), total))
        raise
    journal.note(journal.AnswerPaced(tuple(counts), total))
