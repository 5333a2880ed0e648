"""One web search in a chat of its own: a bare question to the site, its answer and the pages it found.

The site searches for a bare question and seldom for a conversation with functions in it (protocol 5.8), so the search
that a model calls beside a client's functions is made here, with the account and the page of the answer that waits for
it. Knows the page seam and the site's forms; knows no answer and no client.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from qwenproxy.browser.page import Page
from qwenproxy.chat import Citation, SearchResult, Tick, Usage, WebSearch
from qwenproxy.chat.answer import Answer
from qwenproxy.chat.citations import cite
from qwenproxy.chat.waiting import LOOK_EVERY, Coming
from qwenproxy.errors import ProxyError, UpstreamTimeout
from qwenproxy.observe import journal
from qwenproxy.relay.reading import Patience, Reading
from qwenproxy.upstream import calls
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.places import SiteChat


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: an answer whose marks `citations` name pages, and all pages. `usage` is the site's."""

    text: str
    citations: tuple[Citation, ...] = ()
    pages: tuple[SearchResult, ...] = ()
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class SearchSite:
    """Where to search: the account's page, the model, how; `discard` deletes a chat that nobody needs any more."""

    account_id: str
    page: Page
    model: str
    wish: WebSearch
    patience: Patience
    discard: Callable[[SiteChat], None]


class _OwnChat:
    """The chat of a search, from its making until close()."""

    def __init__(self, site: SearchSite, closed: Callable[[], bool]) -> None:
        """Make it; `closed` ends the waiting for it. Raises as `call`."""
        request = calls.new_chat(site.model, chat_type=calls.chat_type_of(site.wish))
        chat_id = calls.chat_id_from(call(site.page, request, closed, site.patience.clock))
        self.chat = SiteChat(site.account_id, chat_id)
        self._discard = site.discard

    def close(self) -> None:
        """Delete it in the background."""
        self._discard(self.chat)


class SearchChat:
    """One search. close() ends it wherever it stands."""

    def __init__(self, site: SearchSite, query: str) -> None:
        self._site = site
        self._query = query
        self._is_closed = False
        self._coming = Coming(lambda: _OwnChat(site, lambda: self._is_closed), "answer-search")
        self._reading: Reading | None = None

    def search(self) -> Generator[Tick, None, Found | None]:
        """Search, with a Tick each second; return what was found, None if the search failed, which the log tells."""
        try:
            return (yield from self._search())
        except ProxyError as error:
            journal.note(journal.SearchFailed(self._site.account_id, error.code, error.message))
            return None
        finally:
            self.close()

    def close(self) -> None:
        """Stop the search if it still runs, and delete its chat. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._reading:
            self._reading.close()
        self._coming.close()

    def _search(self) -> Generator[Tick, None, Found | None]:
        self._coming.start()
        while not self._coming.wait(LOOK_EVERY):
            yield Tick()
        chat_id = self._coming.result().chat.chat_id
        question = calls.Question(self._site.model, self._query, search=self._site.wish)
        patience = self._site.patience
        deadline = patience.clock() + patience.stall_timeout
        self._reading = Reading(self._site.page, chat_id, calls.completion(chat_id, question), patience)
        answer = Answer()
        for event in cite(iter(self._reading)):
            if isinstance(event, Tick):
                yield event
                if patience.clock() > deadline:
                    raise UpstreamTimeout(f"The web search did not end within {patience.stall_timeout:.0f} s.")
            answer.add(event)
        pages = answer.search.results if answer.search else ()
        return Found(answer.text, tuple(answer.citations), pages, answer.usage)
