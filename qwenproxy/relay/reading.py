"""One body of the site under way: text of the page in, events out, and what stops it.

A run reads one body, or a second one if the first answer had to be corrected. Knows the page seam and the site's forms,
no leases and no clients.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qwenproxy.browser.page import Page, PageRequest
from qwenproxy.chat import Event, Tick
from qwenproxy.errors import UpstreamTimeout
from qwenproxy.upstream import calls, refusals
from qwenproxy.upstream.ask import REFUSAL_BODY, read_body
from qwenproxy.upstream.events import EventDecoder


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the site may be silent, in seconds of `clock`, before the answer counts as lost; `pause` waits."""

    stall_timeout: float = 180.0
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def wait(self, seconds: float) -> Iterator[Tick]:
        """Wait for some seconds, with a Tick at least once a second."""
        while seconds > 0:
            self.pause(min(seconds, 1.0))
            seconds -= 1.0
            yield Tick()


class Reading:
    """The answer to one question, as an iterator of events: what the site sends, and Ticks. Ends with Finish."""

    def __init__(
        self, page: Page, chat_id: str, question: PageRequest, patience: Patience, *, offers_tools: bool = False
    ) -> None:
        """Send the question; `offers_tools` says that the answer may hold calls."""
        self.is_complete = False  # the site has sent everything
        self.response = page.fetch(question)
        self._page = page
        self._chat_id = chat_id
        self._patience = patience
        self._decoder = EventDecoder(chat_id, origin=page.origin, offers_tools=offers_tools)

    @property
    def response_id(self) -> str | None:
        """The site's id of the answer, None until it is complete."""
        return self.begun_id if self.is_complete else None

    @property
    def begun_id(self) -> str | None:
        """The same of an answer that was stopped, too; None until the site names it."""
        start = self._decoder.started
        return start.response_id or None if start else None

    def __iter__(self) -> Iterator[Event]:
        """Yield what the site sends, and a Tick whenever something came or a second passed.

        A finished answer may go on after a call of the site's own tools, so only the end of the stream ends it. A
        connection that stays open counts as ended after a long silence.
        """
        yield from self._await_stream()
        silent = 0
        for text in self.response.iter_text():
            silent = 0 if text else silent + 1
            yield from self._decoder.feed(text)
            yield Tick()
            if self._decoder.ended:
                break
            if silent >= self._patience.stall_timeout:
                if self._decoder.finished:
                    break
                raise UpstreamTimeout(f"The site was silent for {silent} s in the middle of its answer.")
        self.is_complete = True
        yield from self._decoder.flush()

    def close(self) -> None:
        """Stop what still runs, in the page and on the site. Idempotent for a complete answer."""
        self.response.close()
        if not self.is_complete:
            for response_id in self._decoder.response_ids:
                self._page.send(calls.stop(self._chat_id, response_id))

    def _await_stream(self) -> Iterator[Event]:
        seconds = 0
        while (head := self.response.head(1.0)) is None:
            seconds += 1
            if seconds >= self._patience.stall_timeout:
                raise UpstreamTimeout(f"The site did not begin its answer within {seconds} s.")
            yield Tick()
        if not refusals.is_stream(head):
            self.is_complete = True
            raise read_body(self.response, REFUSAL_BODY, clock=self._patience.clock).refusal(head)
