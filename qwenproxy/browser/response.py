"""The reader's half of one call: what the tab's owner thread delivers, a request thread takes.

Made by Tab.fetch. Knows no driver and no page, only a queue and the two orders it may give: abort and resume.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from qwenproxy.browser.page import Head
from qwenproxy.errors import ProxyError

HIGH_WATER = 1 << 22  # unread characters at which a slow reader's stream is held in the page: above any usual answer
LOW_WATER = 1 << 20
TICK = 1.0  # seconds of silence after which a reader is told so

Message = tuple[str, Any]


class TabResponse:
    """An answer under way in the page; see PageResponse for what its methods promise."""

    def __init__(
        self,
        number: int,
        abort: Callable[[TabResponse], None],
        resume: Callable[[TabResponse], None],
        lost: Callable[[], ProxyError | None] = lambda: None,
    ) -> None:
        """`lost` says why the tab is lost, if it is: its owner thread may hang and tell nobody."""
        self.number = number
        self._abort = abort
        self._resume = resume
        self._lost = lost
        self.epoch = ""  # of the page that runs it, once known; owner thread only
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._head: Head | None = None
        self._ended = False
        self._closed = False
        self._complete = False
        self._on_complete: Callable[[], None] | None = None
        self._completing = threading.Lock()
        # Each counter has one writer: the owner thread, and the reader.
        self._delivered = 0
        self._consumed = 0
        self.held = False

    def head(self, wait: float) -> Head | None:
        """Return status and headers, None if they are not there within `wait` seconds."""
        if self._head is None:
            try:
                kind, payload = self._inbox.get(timeout=wait)
            except queue.Empty:
                self._raise_if_lost()
                return None
            if kind == "error":
                self._ended = True
                raise payload
            self._head = Head(payload[0], payload[1])
        return self._head

    def iter_text(self) -> Iterator[str]:
        """Yield text as it arrives, "" after each second of silence."""
        while not self._ended:
            try:
                message = self._inbox.get(timeout=TICK)
            except queue.Empty:
                self._raise_if_lost()
                # Also here: the owner may have noted the hold after the last text was taken.
                self._let_flow()
                yield ""
                continue
            if text := self._take(message):
                yield text

    def when_complete(self, call: Callable[[], None]) -> None:
        """Have `call` called once the page has the whole body: at once, or by the owner thread."""
        with self._completing:
            if not self._complete:
                self._on_complete = call
                return
        call()

    def close(self) -> None:
        """Abort the fetch if it still runs. Idempotent."""
        if not self._closed:
            self._closed = True
            if not self._ended:
                self._abort(self)

    def deliver(self, kind: str, payload: Any) -> bool:
        """Take a message from the owner thread; True when the reader has fallen behind."""
        if kind == "data":
            self._delivered += len(payload)
        self._inbox.put((kind, payload))
        if kind == "end":
            self._note_complete()
        return self._delivered - self._consumed > HIGH_WATER

    def fail(self, error: ProxyError) -> None:
        """End the response with an error, from the owner thread."""
        self._inbox.put(("error", error))

    def _note_complete(self) -> None:
        with self._completing:
            self._complete = True
            call = self._on_complete
        if call:
            call()

    def _raise_if_lost(self) -> None:
        lost = self._lost()
        # Whatever the owner thread had to say before the loss is in the queue by now, and comes first.
        if lost and self._inbox.empty():
            self._ended = True
            raise type(lost)(lost.message)

    def _take(self, message: Message) -> str:
        """Return the text of this message and of all that wait behind it; note an end; raise an error in its place."""
        texts = []
        while True:
            kind, payload = message
            if kind == "data":
                texts.append(payload)
            elif kind == "end":
                self._ended = True
                break
            elif texts:
                self._inbox.put(message)  # the error comes after the text before it, and is the last message there is
                break
            else:
                self._ended = True
                raise payload
            if self._inbox.empty():
                break
            message = self._inbox.get()
        text = "".join(texts)
        self._consumed += len(text)
        self._let_flow()
        return text

    def _let_flow(self) -> None:
        if self.held and self._delivered - self._consumed < LOW_WATER:
            self._resume(self)
