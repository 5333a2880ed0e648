"""The reader's half of one call: the tab's owner thread delivers into a queue, a request thread reads from it.

Tab.fetch makes it. Knows no driver and no page, only the two orders it may give: abort and resume.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from qwenproxy.browser.page import Head
from qwenproxy.errors import ProxyError

# More unread characters than this pause the stream in the page; a usual answer has fewer.
HIGH_WATER = 1 << 22
LOW_WATER = 1 << 20  # unread characters below which the stream goes on
TICK = 1.0  # seconds of silence after which a reader gets ""

Message = tuple[str, Any]


class TabResponse:
    """An answer on its way in the page; PageResponse says what its methods promise."""

    def __init__(
        self,
        number: int,
        abort: Callable[[TabResponse], None],
        resume: Callable[[TabResponse], None],
        lost: Callable[[], ProxyError | None] = lambda: None,
    ) -> None:
        """`lost` returns why the tab is lost, if it is: a hanging owner thread cannot deliver that itself."""
        self.number = number
        self._abort = abort
        self._resume = resume
        self._lost = lost
        self.epoch = ""  # of the page that runs it, "" until the first exchange; owner thread only
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
        """Return status and headers, None if they do not come within `wait` seconds."""
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
                # Also here: the owner thread may have set `held` after we read the last text.
                self._let_flow()
                yield ""
                continue
            if text := self._take(message):
                yield text

    def when_complete(self, call: Callable[[], None]) -> None:
        """Call `call` once the page has the whole body: at once, or later from the owner thread."""
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
        """Take a message from the owner thread; return True if the reader is too slow."""
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
        loss = self._lost()
        # The messages from before the loss are in the queue by now, and come first.
        if loss and self._inbox.empty():
            self._ended = True
            raise type(loss)(loss.message)

    def _take(self, message: Message) -> str:
        """Return the text of this message and of all behind it in the queue. Raises an error only before any text."""
        texts = []
        while True:
            kind, payload = message
            if kind == "data":
                texts.append(payload)
            elif kind == "end":
                self._ended = True
                break
            elif texts:
                self._inbox.put(message)  # for the next call; no message follows an error
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
