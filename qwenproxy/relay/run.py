"""One answer under way: a lease, the site's answer to a question, and the events that come out of it.

The relay makes it, the history iterates and closes it. Stands between the site's events and those for the client;
knows no wire API and no chat that is kept.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain

from qwenproxy.accounts.pool import Lease
from qwenproxy.browser.page import Page
from qwenproxy.chat import (
    CallArguments,
    CallDropped,
    CallStarted,
    Event,
    Finish,
    Image,
    Reasoning,
    Text,
    Tick,
    WrittenCall,
    prefill,
)
from qwenproxy.chat.answer import Answer
from qwenproxy.chat.corrections import Corrections, NeedsCorrection, unless_called
from qwenproxy.chat.stages import call_stages, stages_for
from qwenproxy.chat.waiting import LOOK_EVERY, ClientGoneCheck, check_client
from qwenproxy.errors import ChatBusy, ProxyError, RateLimited, Refusal
from qwenproxy.observe import journal
from qwenproxy.relay.attempts import BUSY_PAUSES
from qwenproxy.relay.pacing import paced
from qwenproxy.relay.reading import Patience, Reading
from qwenproxy.relay.searching import Searching
from qwenproxy.relay.site_question import SiteQuestion
from qwenproxy.upstream import calls, works

log = logging.getLogger(__name__)

TICK = 1.0  # seconds between two Ticks
SEEN = (Text, CallStarted, CallArguments, Image, Finish)  # after these an answer cannot be corrected any more
REAL = (*SEEN, Reasoning)  # what a client may see


class ChatRun:
    """An answer of the model, as an iterator of events. Ends with Finish, or raises what went wrong.

    Yields a Tick each second, whether the site is silent, a stage holds the answer back, or it flows. `answer` holds
    what has come so far.
    """

    def __init__(
        self,
        lease: Lease,
        page: Page,
        site_question: SiteQuestion,
        patience: Patience,
        searching: Searching | None = None,
    ) -> None:
        """Take over the lease and ask. `searching` makes the model's own web searches."""
        self.account_id = lease.account_id
        self.chat = site_question.chat
        self.place = site_question.place
        self.model = site_question.turn.model
        self.files = site_question.turn.files
        self.laps = site_question.laps
        self.lost = site_question.lost
        self.way = site_question.way
        self.answer = Answer()
        self._lease = lease
        self._page = page
        self._turn = self._asked = site_question.turn
        self._on_interception = site_question.on_interception
        self._patience = patience
        self._searching = searching
        self._corrections = Corrections()
        self._is_corrected = False
        self._is_below = False  # asked below an answer of its own
        self._written: list[str] = []  # what the site holds of a document
        # A beginning that the answer repeats is taken off.
        self._is_altered = bool(prefill.beginning(self.chat))
        self._first_events: deque[Event] = deque()
        self._is_closed = False
        self._begun_at = patience.clock()
        self._reading = self._ask(site_question.turn)
        # Last of all, because each stage before it may hold events back for any time.
        self._events = self._gather(paced(self._staged(), patience.clock))

    @property
    def response_id(self) -> str | None:
        """The site's id of the answer, from which the next question can go on.

        None if the site's chat does not hold the answer as the client got it: it was cut, corrected, or lost a part; or
        if nothing but a picture stands there.
        """
        if self.chat.work and self.chat.work.is_picture:
            return None
        # Of a document what stood around it was taken off.
        is_bare = not self.chat.document or "".join(self._written).strip() == self.answer.text.strip()
        return self._reading.response_id if is_bare and not (self._is_altered or self._is_corrected) else None

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
        if not self._may_ask_again:
            # Free the account once the site has sent everything, however slowly the client reads.
            self._reading.response.when_complete(self._give_back)
        while self._first_events:
            yield self._first_events.popleft()
        try:
            yield from self._events
        except Refusal as error:
            if isinstance(error, RateLimited) and self.chat.work:
                error.kind = self.chat.work.kind
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
        if self._searching:
            self._searching.close()
        self._reading.close()

    @property
    def _may_ask_again(self) -> bool:
        """Whether a stage of this answer may ask for a correction."""
        return bool(self.chat.may_hold_calls or self.chat.document)

    def _ask(self, turn: calls.Question) -> Reading:
        chat_id = self.place.chat.chat_id
        question = calls.completion(chat_id, turn)
        return Reading(self._page, chat_id, question, self._patience, offers_tools=bool(self.chat.tools))

    def _staged(self) -> Iterator[Event]:
        """Yield the events behind all stages; once more if one of them wants the answer corrected."""
        first: str | None = None  # the text of an answer that was corrected, and stands if no call comes
        while True:
            events = self._watched()
            if self._is_corrected and self.answer.search:  # what the first answer found, the new one cites
                events = chain((self.answer.search,), events)
            searched = partial(self._searching.stage, ask_on=self._ask_on) if self._searching else None
            for stage in stages_for(self.chat, self._corrections, searched):
                events = stage(events)
            if first is not None:
                events = unless_called(events, first)
            try:
                yield from events
                return
            except NeedsCorrection as correction:
                if correction.held is not None:
                    held = "".join(event.text for event in correction.held if isinstance(event, Text))
                    first = self.answer.text + held
                self._ask_again(correction.text)

    def _watched(self) -> Iterator[Event]:
        sources = {works.without_key(str(file.get("url"))) for file in self.files}
        for event in self._heard():
            if isinstance(event, Image) and works.without_key(event.url) in sources:
                continue  # the site repeats what an edit begins with
            if isinstance(event, WrittenCall) and event.intercepted:
                self._on_interception()
            elif isinstance(event, Text) and self.chat.document:
                self._written.append(event.text)
            yield event

    def _heard(self) -> Iterator[Event]:
        """Yield what the site sends. Below an answer that was stopped its chat may be busy for some seconds more."""
        pauses = iter(BUSY_PAUSES if self._is_below else ())
        while True:
            has_begun = False
            try:
                for event in self._reading:
                    has_begun = has_begun or not isinstance(event, Tick)
                    yield event
                return
            except ChatBusy:
                pause = next(pauses, None)
                if pause is None or has_begun:
                    raise
            yield from self._patience.wait(pause)
            self._reading.close()
            self._reading = self._ask(self._asked)

    def _ask_again(self, text: str) -> None:
        """Ask for a better answer in place of the one just given."""
        self._corrections.end()
        self._is_corrected = True
        self.answer.begin_again()
        self._first_events = deque(event for event in self._first_events if isinstance(event, Reasoning))
        journal.note(journal.AskedForCorrection(self.account_id, self.model))
        self._ask_below(text)

    def _ask_on(self, text: str) -> Iterator[Event]:
        """Let the answer go on after this text; return the events that follow, calls among them."""
        self._ask_below(text)
        events = self._watched()
        # A search was the call that the request may have required.
        for stage in call_stages(replace(self.chat, tool_choice="auto"), self._corrections):
            events = stage(events)
        return events

    def _ask_below(self, text: str) -> None:
        """Put a text to the model, in the same chat and under the answer just given."""
        parent_id = self._reading.begun_id
        self._reading.close()
        self._is_below = True
        self._asked = replace(self._turn, text=text, parent_id=parent_id, files=())
        self._reading = self._ask(self._asked)

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
            elif isinstance(event, CallDropped):
                self._is_altered = True
                journal.note(journal.CallDropped(self.account_id, self.model, event.name))
                continue
            else:
                self.answer.add(event)
                if self.chat.streamed and isinstance(event, SEEN):
                    self._corrections.end()
            yield event
            if isinstance(event, Finish):
                self._note_end(event)
                if self._may_ask_again:
                    self._give_back()
                return

    def _note_end(self, finish: Finish) -> None:
        usage = self.answer.usage
        counts = (usage.input_tokens, usage.output_tokens) if usage else (None, None)
        seconds = self._patience.clock() - self._begun_at
        journal.note(journal.AnswerEnded(self.account_id, self.model, finish.reason, seconds, *counts))
