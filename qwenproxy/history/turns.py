"""The waiting lines of chats: the turns of one chat are answered one after the other, in order of arrival."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from qwenproxy.chat.waiting import ClientGoneCheck, check_client
from qwenproxy.errors import QueueTimeout

LOOK_AGAIN = 0.5  # seconds between two looks at whether the client that waits for its turn is still there
RETRY_AFTER = 5  # seconds after which a client may ask on a busy chat again


class TurnQueues:
    """One waiting line per chat; only chats with somebody in line take memory."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._lines: dict[str, deque[threading.Event]] = {}

    def length(self, chat_id: str) -> int:
        """Return how many turns of a chat are under way or wait."""
        with self._mutex:
            return len(self._lines.get(chat_id, ()))

    @contextmanager
    def turn(self, chat_id: str, turn_wait: float | None, client_gone: ClientGoneCheck) -> Iterator[None]:
        """Hold a chat until the block ends. Raises QueueTimeout, ClientGone."""
        mine = threading.Event()
        with self._mutex:
            line = self._lines.setdefault(chat_id, deque())
            line.append(mine)
            line[0].set()
        try:
            self._wait(mine, math.inf if turn_wait is None else turn_wait, client_gone)
            yield
        finally:
            with self._mutex:
                line.remove(mine)
                if line:
                    line[0].set()
                else:
                    del self._lines[chat_id]

    @staticmethod
    def _wait(mine: threading.Event, turn_wait: float, client_gone: ClientGoneCheck) -> None:
        deadline = time.monotonic() + turn_wait
        while True:
            remaining = deadline - time.monotonic()
            has_turn = mine.wait(max(0.0, min(remaining, LOOK_AGAIN)))
            # Check this last, so that a client that left just before its turn asks nothing.
            check_client(client_gone, "The client hung up while another request on its chat was answered.")
            if has_turn:
                return
            if remaining <= LOOK_AGAIN:
                message = f"Another request on this chat still ran after {turn_wait:.0f} s. Try again soon."
                raise QueueTimeout(message, retry_after=RETRY_AFTER)
