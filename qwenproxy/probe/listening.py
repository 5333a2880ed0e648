"""Listen to one answer of the site: its form, and what the product's own decoder makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from qwenproxy.browser.page import Head, Page, PageRequest, PageResponse
from qwenproxy.chat import Event, Image, Reasoning, Search, Text, Usage, WrittenCall
from qwenproxy.errors import NetworkFailed, ProxyError, UpstreamTimeout
from qwenproxy.probe.streams import StreamForm
from qwenproxy.upstream import refusals
from qwenproxy.upstream.ask import REFUSAL_BODY, read_body
from qwenproxy.upstream.events import EventDecoder

_OPEN_WAIT = 8  # seconds of silence after a finished piece that count as the end (protocol 5.2)


@dataclass(slots=True)
class Heard:
    """An answer: its form, and what the product reads from it.

    `refusal` is what came in the place of a stream, with `head` and `body`; `error` what came in it or cut it.
    """

    head: Head = field(default_factory=lambda: Head(0, {}))
    form: StreamForm = field(default_factory=StreamForm)
    body: str = ""
    refusal: ProxyError | None = None
    error: ProxyError | None = None
    text: str = field(default="", repr=False)
    thoughts: int = 0
    written_calls: list[WrittenCall] = field(default_factory=list, repr=False)
    search: Search | None = field(default=None, repr=False)
    images: list[Image] = field(default_factory=list, repr=False)
    usage: Usage | None = None
    response_id: str = ""
    is_held_open: bool = False
    was_stopped: bool = False

    def take(self, events: Iterable[Event]) -> None:
        """Take what the decoder read."""
        for event in events:
            if isinstance(event, Text):
                self.text += event.text
            elif isinstance(event, Reasoning):
                self.thoughts += len(event.text)
            elif isinstance(event, WrittenCall):
                self.written_calls.append(event)
            elif isinstance(event, Search):
                self.search = event
            elif isinstance(event, Image):
                self.images.append(event)
            elif isinstance(event, Usage):
                self.usage = event

    def facts(self) -> dict[str, Any]:
        """Return what the product reads from the answer, as numbers."""
        usage = self.usage
        return {
            "text_characters": len(self.text),
            "thought_characters": self.thoughts,
            "calls": len(self.written_calls),
            "calls_taken_by_the_site": sum(call.intercepted for call in self.written_calls),
            "pages_found": len(self.search.results) if self.search else 0,
            "searches": len(self.search.queries) if self.search else 0,
            "images": len(self.images),
            "input_tokens": usage.input_tokens if usage else None,
            "output_tokens": usage.output_tokens if usage else None,
            "reasoning_tokens": usage.reasoning_tokens if usage else None,
            "held_open": self.is_held_open,
        }


@dataclass(frozen=True, slots=True)
class Manner:
    """How to listen: for at most `wait` seconds, and with or without the calls of functions that were on offer.

    `on_text` is called once, with the id of the answer, when its first text has come.
    """

    wait: float = 120.0
    offers_tools: bool = False
    on_text: Callable[[str], None] | None = None


def listen(page: Page, request: PageRequest, chat_id: str, clock: Callable[[], float], manner: Manner) -> Heard:
    """Ask, and listen until the answer ends. Raises NetworkFailed, TabLost, UpstreamTimeout."""
    return _Listener(page, chat_id, clock, manner).listen(request)


class _Listener:
    def __init__(self, page: Page, chat_id: str, clock: Callable[[], float], manner: Manner) -> None:
        self._page = page
        self._chat_id = chat_id
        self._clock = clock
        self._manner = manner
        self._on_text = manner.on_text
        self._heard = Heard()

    def listen(self, request: PageRequest) -> Heard:
        began_at, heard, wait = self._clock(), self._heard, self._manner.wait
        response = self._page.fetch(request)
        try:
            while (head := response.head(1.0)) is None:
                if self._clock() - began_at > wait:
                    raise UpstreamTimeout(f"The site did not answer within {wait:.0f} s.")
            heard.head = head
            if not refusals.is_stream(head):
                body = read_body(response, REFUSAL_BODY, clock=self._clock)
                heard.body, heard.refusal = body.text, body.refusal(head)
                return heard
            origin, offers_tools = self._page.origin, self._manner.offers_tools
            decoder = EventDecoder(self._chat_id, origin=origin, offers_tools=offers_tools)
            self._read(response, decoder, began_at)
            heard.response_id = decoder.started.response_id if decoder.started else ""
        finally:
            response.close()
        return heard

    def _read(self, response: PageResponse, decoder: EventDecoder, began_at: float) -> None:
        heard, wait, silent = self._heard, self._manner.wait, 0
        try:
            for text in response.iter_text():
                at = self._clock() - began_at
                silent = 0 if text else silent + 1
                heard.form.feed(text, at)
                heard.take(decoder.feed(text))
                self._tell_of_text(decoder)
                if silent >= _OPEN_WAIT and decoder.finished:
                    heard.is_held_open = True
                    break
                if at > wait:
                    raise UpstreamTimeout(f"The site did not end its answer within {wait:.0f} s.")
            heard.form.end()
            heard.was_stopped = "response.stopped" in heard.form.events
            heard.take(decoder.flush())
        except NetworkFailed:
            raise
        except ProxyError as error:
            heard.form.end()
            heard.error = error

    def _tell_of_text(self, decoder: EventDecoder) -> None:
        if self._on_text and decoder.started and self._heard.text:
            tell, self._on_text = self._on_text, None
            tell(decoder.started.response_id)
