"""One answer under way: a lease, a response of the page, and the events that come out of it.

Made by the relay, iterated by the api, closed by whoever iterates. Stands between the page's text and the client's
format; knows neither.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from qwenproxy.accounts.pool import Lease
from qwenproxy.browser.page import Page, PageRequest
from qwenproxy.chat import (
    ChatRequest,
    Event,
    Finish,
    Image,
    Message,
    Reasoning,
    Text,
    TextPart,
    Tick,
    ToolCall,
    Usage,
)
from qwenproxy.chat.cutting import cut
from qwenproxy.chat.tool_calls import ToolCallParser
from qwenproxy.errors import ClientGone, ProxyError, Refusal, UpstreamTimeout
from qwenproxy.observe.laps import Laps
from qwenproxy.upstream import calls, refusals
from qwenproxy.upstream.ask import REFUSAL_BODY, read_body
from qwenproxy.upstream.events import EventDecoder
from qwenproxy.upstream.places import SitePlace

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds between two looks whether a client that is sent nothing yet is still there
TICK = 1.0  # seconds without anything for the client after which it gets a Tick

REAL = (Text, Reasoning, ToolCall, Image, Finish)  # what a client sees


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for any sign of the site, and for the first event of a streamed answer.

    After `prime_wait` the client gets signs of life, and with them a status that cannot be taken back (contract 6).
    `clock` tells the time by which all that is measured.
    """

    stall_timeout: float = 180.0
    prime_wait: float = 10.0
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Turn:
    """A question ready to be sent: the request, its place on the site, the model's real id there, the call to make."""

    chat: ChatRequest
    place: SitePlace
    model: str
    request: PageRequest
    laps: Laps = field(default_factory=Laps)


class ChatRun:
    """An answer of the model, as an iterator of events. Ends with Finish, or raises what went wrong.

    Yields a Tick after each second in which the client saw nothing of the answer, whether the site was silent or the
    answer is held back here. `usage` holds the site's last counts.
    """

    def __init__(self, lease: Lease, page: Page, turn: Turn, patience: Patience) -> None:
        """Start the call in the page. Raises TabLost."""
        self.account_id = lease.account_id
        self.chat = turn.chat
        self.place = turn.place
        self.chat_id = turn.place.chat.chat_id
        self.model = turn.model
        self.laps = turn.laps
        self.usage: Usage | None = None
        # Called once: with the answer when it is complete, with None when the run is closed without one.
        self.on_end: Callable[[Message | None], None] = _ignore
        self._lease = lease
        self._page = page
        self._response = page.fetch(turn.request)
        self._patience = patience
        self._clock = patience.clock
        self._decoder = EventDecoder(self.chat_id, origin=page.origin)
        self._primed: deque[Event] = deque()
        self._texts: list[str] = []
        self._called: list[ToolCall] = []
        self.begun = False  # whether the first real event was there in time
        self._complete = False
        self._finished = False
        self._closed = False
        events = self._decoded()
        if turn.chat.tools:
            events = _tool_calls(events)
        if turn.chat.stop or turn.chat.max_tokens is not None:
            events = cut(events, turn.chat.stop, turn.chat.max_tokens)
        # Last of all: whatever stands before it may hold events back for as long as it likes.
        self._events = self._watched(_ticking(events, self._clock))

    @property
    def response_id(self) -> str | None:
        """The site's id of the answer, from which the next question can go on; None where the answer was cut."""
        started = self._decoder.started
        return started.response_id or None if started and self._complete else None

    def prime(self, client_gone: Callable[[], bool]) -> None:
        """Wait for what has to be there before the client is told anything: until then another account can take over.

        Of a streamed answer that is the first real event, bounded by prime_wait; of any other the whole answer.
        Raises any ProxyError the site's answer means, ClientGone.
        """
        looked = self._clock()
        deadline = looked + self._patience.prime_wait
        for event in self._events:
            if not isinstance(event, Tick):
                self._primed.append(event)
            now = self._clock()
            if self.chat.streamed:
                self.begun = isinstance(event, REAL)
                if self.begun or now >= deadline:
                    return
            # Nothing is written to this client yet, so nothing else would tell that it left.
            if self.chat.streamed or isinstance(event, Tick) or now - looked >= LOOK_EVERY:
                looked = now
                if client_gone():
                    raise ClientGone("The client hung up.")
        self.begun = True

    def __iter__(self) -> Iterator[Event]:
        # However slowly a client reads, its account is free once the site has said everything.
        self._response.when_complete(self._give_back)
        while self._primed:
            yield self._primed.popleft()
        try:
            yield from self._events
        except Refusal as error:
            # Too late for another account to take over, but not for the next request to know.
            self._lease.reject_late(error)
            raise
        self._end()

    def __enter__(self) -> ChatRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the answer if it still runs, in the page and upstream, and give the account back. Idempotent."""
        if self._closed:
            return
        self.abandon()
        self._lease.close()
        try:
            self._end()
        except ProxyError as error:
            # Nobody is left to be told.
            log.warning("account=%s the end of an answer was not taken note of: %s", self.account_id, error.message)

    def _give_back(self) -> None:
        try:
            self._lease.close()
        except ProxyError as error:
            # Whoever waits for the account looks again by itself.
            log.warning("account=%s given back, but nobody was told: %s", self.account_id, error.message)

    def abandon(self) -> None:
        """Stop the answer, but keep the lease: it goes to another try. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._response.close()
        if not self._complete:
            for response_id in self._decoder.response_ids:
                self._page.send(calls.stop(self.chat_id, response_id))

    def _watched(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Usage):
                self.usage = event
            elif isinstance(event, Text):
                self._texts.append(event.text)
            elif isinstance(event, Image):
                self._texts.append(event.markdown)
            elif isinstance(event, ToolCall):
                self._called.append(event)
            elif isinstance(event, Finish):
                self._finished = True
            yield event
            if isinstance(event, Finish):
                return

    def _end(self) -> None:
        on_end, self.on_end = self.on_end, _ignore
        text = "".join(self._texts)
        answer = Message("assistant", (TextPart(text),) if text else (), tool_calls=tuple(self._called))
        on_end(answer if self._finished else None)

    def _decoded(self) -> Iterator[Event]:
        """Yield what the site sends, and a Tick whenever something came or a second passed.

        An answer that is finished may go on after a call of the site's own tools: only the end of the stream is the
        end. A connection that stays open all the same counts as ended once the site was silent for long.
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
        self._complete = True
        yield from self._decoder.flush()

    def _await_stream(self) -> Iterator[Event]:
        waited = 0
        while (head := self._response.head(1.0)) is None:
            waited += 1
            if waited >= self._patience.stall_timeout:
                raise UpstreamTimeout(f"The site did not begin its answer within {waited} s.")
            yield Tick()
        if not refusals.is_stream(head):
            self._complete = True
            raise read_body(self._response, REFUSAL_BODY, clock=self._clock).refusal(head)


def _ignore(_answer: Message | None) -> None:
    """Do nothing at the end of an answer."""


def _ticking(events: Iterator[Event], clock: Callable[[], float]) -> Iterator[Event]:
    """Pass a Tick on only where the client saw nothing for a second: each stage before lets every one of them through.

    So time passes for the client whichever stage holds something back, and events that it never sees hide nothing.
    """
    seen = clock()
    for event in events:
        now = clock()
        if isinstance(event, Tick):
            if now - seen < TICK:
                continue
            seen = max(seen + TICK, now - TICK)  # what is left of a second counts towards the next Tick
        elif isinstance(event, REAL):
            seen = now
        yield event


def _tool_calls(events: Iterator[Event]) -> Iterator[Event]:
    """Turn the marked blocks in the text into ToolCall events (protocol 4.6)."""
    parser = ToolCallParser()
    called = False
    for event in events:
        if isinstance(event, Text):
            found = parser.feed(event.text)
        elif isinstance(event, Finish):
            found = parser.flush()
        else:
            yield event
            continue
        called = called or any(isinstance(each, ToolCall) for each in found)
        yield from found
        if isinstance(event, Finish):
            yield Finish("tool_calls") if called else event
