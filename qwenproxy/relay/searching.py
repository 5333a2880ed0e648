"""The web search beside a client's own functions: one more function, which the proxy runs itself (contract 7.8).

`offer_search` adds the function before the question is asked. `Searching` is a stage of the answer, behind those that
find calls: it takes the calls of that function out, makes the searches in chats of their own, and lets the model go on
in the same answer. Knows no wire API; the run asks on, and closes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from qwenproxy.chat import (
    CallArguments,
    CallEnded,
    CallStarted,
    ChatRequest,
    Event,
    Finish,
    Message,
    Search,
    SearchResult,
    Text,
    TextPart,
    Tick,
    Tool,
    ToolCall,
    Usage,
    WebSearch,
)
from qwenproxy.errors import SearchesExhausted
from qwenproxy.observe import journal
from qwenproxy.relay.search_chat import Found, SearchChat, SearchSite
from qwenproxy.upstream.calls import SEARCH_TYPE
from qwenproxy.upstream.folding import fold
from qwenproxy.upstream.models import Model
from qwenproxy.upstream.searches import queries_in

log = logging.getLogger(__name__)

SEARCHES = 3  # where the client names no limit
SNIPPET = 300  # characters of each page that the model reads
NAME = "web_search"
FAILED = "The web search failed. Answer without it, and say that you could not search the web."
NO_MORE = "No more web searches are possible for this answer. Answer with what you have."
NO_QUERY = "The web search needs a query. Call it again with one, or answer without it."

AskOn = Callable[[str], Iterator[Event]]


def offer_search(request: ChatRequest) -> tuple[ChatRequest, str]:
    """Return the request with the search among its functions, and its name there; unchanged and "" if it has no place.

    That is so without a wish for it, where the site searches at once, and where the client wants one certain function.
    """
    has_place = request.search and not request.search.forced and request.tools
    if not has_place or request.tool_choice not in ("auto", "required"):
        return request, ""
    taken = {tool.name.lower() for tool in request.tools}
    names = (NAME if number == 1 else f"{NAME}_{number}" for number in range(1, len(taken) + 2))
    name = next(name for name in names if name not in taken)
    schema = {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "What to look for, as one would type it"}},
    }  # nothing is required, because models also write `queries`; what lacks both is told so as a result
    purpose = (
        "Search the web for what is recent, or what you are not sure of. The result is an answer with numbered sources."
    )
    return replace(request, tools=(*request.tools, Tool(name, purpose, schema))), name


def site_search(request: ChatRequest, model: Model) -> WebSearch | None:
    """Return the search that the site itself makes for this question, None if it must not search."""
    search = request.search
    return as_able(search, model) if search and (search.forced or not request.tools) else None


def as_able(search: WebSearch, model: Model) -> WebSearch:
    """Return the search as this model can make it: not every one can be forced to search."""
    return search if SEARCH_TYPE in model.chat_types else replace(search, forced=False)


@dataclass(slots=True)
class _Turn:
    """What one answer of the site held: calls of the search, whether there were others, and its end."""

    calls: list[ToolCall]
    has_others: bool = False
    finish: Finish | None = None


class Searching:
    """The searches of one answer. Keeps its pages while the answer is corrected."""

    def __init__(self, name: str, limit: int | None, site: SearchSite) -> None:
        """`name` is the function's, `limit` the number of searches, None for the usual one."""
        self._name = name
        self._left = SEARCHES if limit is None else limit
        self._site = site
        self._pages: tuple[SearchResult, ...] = ()
        self._queries: tuple[str, ...] = ()
        self._before = Usage(0, 0)  # counts of all that was asked before the current turn
        self._now = Usage(0, 0)
        self._is_over = False  # the model knows that there are no more searches
        self._last_text = ""
        self._running: SearchChat | None = None

    def stage(self, events: Iterator[Event], ask_on: AskOn) -> Iterator[Event]:
        """Pass an answer on without the calls of the search; make them, and let the answer go on with their results.

        `ask_on` puts a text to the model, under its answer so far. Calls of the client's functions go first: where an
        answer has both, the client gets its calls, and the model may search once it has their results. Raises
        SearchesExhausted if the model only calls for more searches than it may.
        """
        if self._queries:  # a corrected answer cites their pages, too
            yield self._search
        while True:
            turn = _Turn([])
            was_over = self._is_over
            yield from self._pass_on(events, turn)
            if turn.finish is None:
                return
            if not turn.calls or turn.has_others or was_over:
                yield self._end(turn.calls, turn.finish, has_others=turn.has_others)
                return
            results = yield from self._answer_calls(turn.calls)
            self._count(self._now)
            self._now = Usage(0, 0)
            events = self._apart(ask_on(fold(results)))

    def close(self) -> None:
        """End a search that still runs. Idempotent."""
        if self._running:
            self._running.close()

    @property
    def _search(self) -> Search:
        return Search(self._pages, self._queries)

    def _end(self, calls: list[ToolCall], finish: Finish, *, has_others: bool) -> Finish:
        if not calls:
            return finish
        if has_others:
            log.info("account=%s a web search beside calls of functions was not made", self._site.account_id)
            return finish
        if not self._last_text:
            raise SearchesExhausted("The model asked for more web searches than it may make and said nothing else.")
        return Finish()

    def _apart(self, events: Iterator[Event]) -> Iterator[Event]:
        """Keep the text of this answer of the site apart from the text before it."""
        is_apart = not self._last_text or self._last_text[-1].isspace()
        for event in events:
            if isinstance(event, Text) and not is_apart:
                is_apart = True
                yield Text("\n\n")
            yield event

    def _pass_on(self, events: Iterator[Event], turn: _Turn) -> Iterator[Event]:
        """Pass one answer on but for the calls of the search and its Finish."""
        is_search = False
        for event in events:
            if isinstance(event, CallStarted):
                is_search = event.name == self._name
                turn.has_others = turn.has_others or not is_search
                if is_search:
                    turn.calls.append(ToolCall(event.id, event.name, ""))
            if is_search and isinstance(event, CallStarted | CallArguments | CallEnded):
                if isinstance(event, CallArguments):
                    turn.calls[-1] = replace(turn.calls[-1], arguments=turn.calls[-1].arguments + event.text)
                yield Tick()
            elif isinstance(event, Finish):
                turn.finish = event
            elif isinstance(event, Usage):
                self._now = event
                yield _sum(self._before, event)
            elif isinstance(event, Search):
                # The site searched although it need not. Once we did, its numbers would be other pages'.
                if not self._queries:
                    self._pages = event.results
                    yield event
            else:
                if isinstance(event, Text):
                    self._last_text = event.text or self._last_text
                yield event

    def _answer_calls(self, calls: list[ToolCall]) -> Generator[Event, None, tuple[Message, ...]]:
        """Make the searches; yield what they find, and return the results for the model."""
        messages = []
        for call in calls:
            query = "\n".join(queries_in(call.arguments))
            if self._left == 0:
                text, self._is_over = NO_MORE, True
            elif query:
                self._left -= 1
                text = yield from self._answer_call(query)
            else:
                self._left -= 1
                text = NO_QUERY
            messages.append(Message("tool", (TextPart(text),), self._name, tool_call_id=call.id))
        return tuple(messages)

    def _answer_call(self, query: str) -> Generator[Event, None, str]:
        begun_at = self._site.patience.clock()
        self._queries += (query,)
        yield self._search
        self._running = SearchChat(self._site, query)
        found = yield from self._running.search()
        if found is None:
            return FAILED
        seconds = self._site.patience.clock() - begun_at
        journal.note(journal.Searched(self._site.account_id, len(found.pages), seconds))
        text = _result(found, len(self._pages))
        self._pages += found.pages
        if found.usage:
            # What the search read and wrote is input to this answer, not a part of it.
            self._count(replace(found.usage, input_tokens=_total(found.usage), output_tokens=0, reasoning_tokens=0))
        yield self._search
        return text

    def _count(self, usage: Usage) -> None:
        self._before = _sum(self._before, usage)


def _result(found: Found, before: int) -> str:
    """Return what the model reads of a search; its pages have the numbers that follow `before`."""
    text, end = "", 0
    for citation in found.citations:
        number = before + found.pages.index(citation.source) + 1
        text += f"{found.text[end : citation.start]}[{number}]"
        end = citation.end
    lines = [text + found.text[end:]]
    if any(page.url for page in found.pages):
        lines.append("Sources. Name the number of a source as [[n]] right behind what you take from it.")
    for number, page in enumerate(found.pages, before + 1):
        if page.url:
            lines.append(f"[{number}] {page.title} {page.url}\n{page.snippet[:SNIPPET]}".rstrip())
    return "\n\n".join(lines)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.reasoning_tokens + other.reasoning_tokens,
        one.cached_tokens + other.cached_tokens,
    )


def _total(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens
