"""The last hour in minutes: how many requests and answers, how fast, how many failed. For the dashboard's charts.

The app makes one. Bounded: one small value a minute.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from qwenproxy.observe import journal

MINUTES = 60


@dataclass(slots=True)
class Minute:
    """What one minute brought. `at` is its begin (s since 1970); `first_event_seconds` is a sum over `begun`."""

    at: int
    requests: int = 0
    begun: int = 0
    first_event_seconds: float = 0.0
    answers: int = 0
    failures: int = 0
    output_tokens: int = 0


class Hour:
    """Counts the journal's events by minute, from `start` to `close`. For any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970."""
        self._clock = clock
        self._minutes: deque[Minute] = deque(maxlen=MINUTES)
        self._lock = threading.Lock()
        self._subscription = journal.Subscription(self._receive)

    def start(self) -> None:
        """Listen to the journal."""
        self._subscription.__enter__()

    def close(self) -> None:
        """Count no more. Idempotent."""
        self._subscription.__exit__()

    def minutes(self) -> list[dict[str, Any]]:
        """Return the minutes of the last hour in which something happened, the oldest first."""
        first = self._clock() - 60 * MINUTES
        with self._lock:
            return [asdict(minute) for minute in self._minutes if minute.at > first]

    def _receive(self, event: journal.Event) -> None:
        with self._lock:
            minute = self._now()
            match event:
                case journal.RequestEnded():
                    minute.requests += 1
                case journal.AnswerBegan(seconds=float(seconds)):
                    minute.begun += 1
                    minute.first_event_seconds += seconds
                case journal.AnswerEnded():
                    minute.answers += 1
                    minute.output_tokens += event.output_tokens or 0
                case journal.AnswerBroke() | journal.NoAnswer():
                    minute.failures += 1

    def _now(self) -> Minute:
        at = int(self._clock()) // 60 * 60
        if not self._minutes or self._minutes[-1].at != at:
            self._minutes.append(Minute(at))
        return self._minutes[-1]
