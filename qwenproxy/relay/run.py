"""One answer under way: a lease, a response of the page, and the events that come out of it.

The relay makes it, the history iterates and closes it. Stands between the page's text and the events of an answer;
knows no wire API and no chat that is kept.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qwenproxy.accounts.pool import Lease
from qwenproxy.browser.page import Page, PageResponse
from qwenproxy.chat import ChatRequest, Event, Finish, Image, Reasoning, Text, Tick, ToolCall
from qwenproxy.chat.answer import Answer
from qwenproxy.chat.stages import stages_for
from qwenproxy.chat.waiting import LOOK_EVERY, ClientGoneCheck, check_client
from qwenproxy.errors import ProxyError, Refusal, UpstreamTimeout
from qwenproxy.observe import journal
from qwenproxy.observe.laps import Laps
from qwenproxy.upstream import calls, refusals
from qwenproxy.upstream.ask import REFUSAL_BODY, read_body
from qwenproxy.upstream.events import EventDecoder
from qwenproxy.upstream.places import SitePlace

log = logging.getLogger(__name__)

TICK = 1.0  # seconds between two Ticks
REAL = (Text, Reasoning, ToolCall, Image, Finish)  # what a client may see


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the site may be silent, in seconds of `clock`, before the answer counts as lost."""

    stall_timeout: float = 180.0
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class SiteQuestion:
    """A question that was sent: the request, its place on the site, and the model's real id there."""

    chat: ChatRequest
    place: SitePlace
    model: str
    laps: Laps


class ChatRun:
    """An answer of the model, as an iterator of events. Ends with Finish, or raises what went wrong.

    Yields a Tick each second, whether the site is silent, a stage holds the answer back, or it flows. `answer` holds
    what has come so far.
    """

    def __init__(
        self, lease: Lease, page: Page, response: PageResponse, site_question: SiteQuestion, patience: Patience
    ) -> None:
        """Take over the lease and the response to the question."""
        self.account_id = lease.account_id
        self.chat = site_question.chat
        self.place = site_question.place
        self.model = site_question.model
        self.laps = site_question.laps
        self.answer = Answer()
        self._lease = lease
        self._page = page
        self._response = response
        self._patience = patience
        self._decoder = EventDecoder(site_question.place.chat.chat_id, origin=page.origin)
        self._first_events: deque[Event] = deque()
        self._is_complete = False
        self._is_closed = False
        self._begun_at = patience.clock()
        events = self._decode()
        for stage in stages_for(site_question.chat):
            events = stage(events)
        # Last of all, because each stage before it may hold events back for any time.
        self._events = self._gather(events)

    @property
    def response_id(self) -> str | None:
        """The site's id of the answer, from which the next question can go on; None if the answer was cut."""
        start = self._decoder.started
        return start.response_id or None if start and self._is_complete else None

    def prime(self, client_gone: ClientGoneCheck) -> None:
        """Wait until this account counts as the one that answers; another one can take over until then.

        A streamed answer needs its first event that a client sees, any other answer all of them. Raises any ProxyError
        the site's answer means, ClientGone.
        """
        clock = self._patience.clock
        looked_at = clock()
        for event in self._events:
            if not isinstance(event, Tick):
                self._first_events.append(event)
                if self.chat.streamed and isinstance(event, REAL):
                    return
            now = clock()
            # We have not written to the client yet, so check for a disconnect ourselves.
            if isinstance(event, Tick) or now - looked_at >= LOOK_EVERY:
                looked_at = now
                check_client(client_gone)

    def __iter__(self) -> Iterator[Event]:
        # Free the account once the site has sent everything, however slowly the client reads.
        self._response.when_complete(self._give_back)
        while self._first_events:
            yield self._first_events.popleft()
        try:
            yield from self._events
        except Refusal as error:
            # Another account cannot take over any more, but the next request has to know.
            self._lease.reject_late(error)
            raise

    def __enter__(self) -> ChatRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the answer if it still runs, in the page and upstream, and give the account back. Idempotent."""
        self.abandon()
        self._lease.close()

    def abandon(self) -> None:
        """Stop the answer, but keep the lease for another try. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        self._response.close()
        if not self._is_complete:
            for response_id in self._decoder.response_ids:
                self._page.send(calls.stop(self.place.chat.chat_id, response_id))

    def _give_back(self) -> None:
        try:
            self._lease.close()
        except ProxyError as error:
            # Requests that wait for the account look again by themselves.
            log.warning("account=%s given back, but nobody was told: %s", self.account_id, error.message)

    def _gather(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass the events on until the answer is complete, and keep what they say.

        Passes one Tick a second, also beside other events: only the encoder knows which of them a client sees.
        """
        last_tick_at = self._patience.clock()
        for event in events:
            if isinstance(event, Tick):
                now = self._patience.clock()
                if now - last_tick_at < TICK:
                    continue
                last_tick_at = max(last_tick_at + TICK, now - TICK)  # the rest of a second counts towards the next Tick
            else:
                self.answer.add(event)
            yield event
            if isinstance(event, Finish):
                self._note_end(event)
                return

    def _note_end(self, finish: Finish) -> None:
        usage = self.answer.usage
        counts = (usage.input_tokens, usage.output_tokens) if usage else (None, None)
        seconds = self._patience.clock() - self._begun_at
        journal.note(journal.AnswerEnded(self.account_id, self.model, finish.reason, seconds, *counts))

    def _decode(self) -> Iterator[Event]:
        """Yield what the site sends, and a Tick whenever something came or a second passed.

        A finished answer may go on after a call of the site's own tools, so only the end of the stream ends it. A
        connection that stays open counts as ended after a long silence.
        """
        yield from self._await_stream()
        silent = 0
        for text in self._response.iter_text():
            silent = 0 if text else silent + 1
            yield from self._decoder.feed(text)
            yield Tick()
            if self._decoder.ended:
                break
            if silent >= self._patience.stall_timeout:
                if self._decoder.finished:
                    break
                raise UpstreamTimeout(f"The site was silent for {silent} s in the middle of its answer.")
        self._is_complete = True
        yield from self._decoder.flush()

    def _await_stream(self) -> Iterator[Event]:
        seconds = 0
        while (head := self._response.head(1.0)) is None:
            seconds += 1
            if seconds >= self._patience.stall_timeout:
                raise UpstreamTimeout(f"The site did not begin its answer within {seconds} s.")
            yield Tick()
        if not refusals.is_stream(head):
            self._is_complete = True
            raise read_body(self._response, REFUSAL_BODY, clock=self._patience.clock).refusal(head)
