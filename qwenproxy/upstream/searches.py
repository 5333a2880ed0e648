"""Read the site's web searches: what it asked, and the pages it found, under the numbers by which its text cites them.

Only the event decoder uses this (protocol 5.8). Takes single JSON values of a frame, of any shape, and never fails: it
leaves out what it does not understand. Knows no marks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from qwenproxy.chat import Search, SearchResult
from qwenproxy.upstream.phases import string_of

PHASE = "web_search"
MOST_PAGES = 1000  # a number over it is no number of a page


@dataclass(frozen=True, slots=True)
class _Page:
    """A page in a list of the site: its place from 0, and its number if it has one of its own, else 0."""

    place: int
    index: int
    page: SearchResult


class Searches:
    """The searches of one answer so far.

    The site numbers its pages in several ways: each list holds all pages so far or those of one call; a page may have
    an `index`, a list the number that follows it. Calls may run at the same time, and their results come in any order.
    """

    def __init__(self) -> None:
        self._pages: dict[int, SearchResult] = {}  # by number, from 1
        self._read: dict[str, SearchResult] = {}  # pages that were opened, by address; they have no number
        self._starts: dict[str, int] = {}  # the number of the first page of each call
        self._calls: dict[str, str] = {}  # the arguments of each call, as far as they are written
        self._unnamed = 0  # calls without an id
        self._last: Search | None = None

    def grow(self, delta: dict[str, Any], frame: dict[str, Any]) -> Search | None:
        """Return all searches so far if this delta of a frame tells something new of them, else None."""
        extra, phase = _object(delta.get("extra")), delta.get("phase")
        found, result = extra.get("web_search_info"), _object(extra.get("tool_result"))
        sources, opened = frame.get("sources"), extra.get("web_extract_info")
        call, research = delta.get("function_call"), _object(extra.get("deep_research"))
        if not (found or result or sources or opened or research or (call and phase == PHASE)):
            return None
        call_id = string_of(delta.get("function_id"))
        if phase == PHASE:
            self._take_arguments(call_id, _object(call).get("arguments"))
        docs = None if found or phase != PHASE else result.get("docs")
        self._take_pages(call_id, found)
        self._take_pages(call_id, docs, result.get("used_id"))
        self._take_pages("", sources)
        # A report cites its references; pages that were only looked at have no number.
        self._take_pages("", research.get("references"))
        looked_at = _pages(_object(research.get("research")).get("webSites"))
        self._read.update((each.page.url, each.page) for each in looked_at)
        self._read.update((each.page.url, each.page) for each in _pages(opened))
        return self._news()

    def _news(self) -> Search | None:
        queries = [query for arguments in self._calls.values() for query in queries_in(arguments)]
        search = Search(self._results(), tuple(dict.fromkeys(queries)))
        if search == (self._last or Search(())):
            return None
        self._last = search
        return search

    def _results(self) -> tuple[SearchResult, ...]:
        """Return the pages so that number n stands at place n; an empty one is there for a number still to come."""
        numbered = [self._pages.get(number, SearchResult("")) for number in range(1, max(self._pages, default=0) + 1)]
        known = {page.url for page in numbered}
        return (*numbered, *(page for url, page in self._read.items() if url not in known))

    def _take_pages(self, call_id: str, value: object, used_id: object = None) -> None:
        """Take a list of pages in; `used_id` is the number that follows its last page."""
        pages = list(_pages(value))
        if not pages:
            return
        told = used_id - len(value) if type(used_id) is int and isinstance(value, list) else 0
        start = self._starts[call_id] = self._start(call_id, pages, told)
        for each in pages:
            number = each.index or start + each.place
            if number <= MOST_PAGES:
                self._pages[number] = each.page

    def _start(self, call_id: str, pages: list[_Page], told: int) -> int:
        """Return the number of the first page: the first guess under which no number changes its page."""
        following = max(self._pages, default=0) + 1
        guesses = (told, 1, self._starts.get(call_id, 0))
        return next((start for start in guesses if start >= 1 and self._agrees(pages, start)), following)

    def _agrees(self, pages: list[_Page], start: int) -> bool:
        known = ((self._pages.get(start + each.place), each.page) for each in pages)
        return all(old is None or old.url == new.url for old, new in known)

    def _take_arguments(self, call_id: str, arguments: object) -> None:
        """Take the arguments of a call in, which each frame repeats as far as they are written."""
        if not isinstance(arguments, str):
            return
        if not call_id:
            last = self._calls.get(f"#{self._unnamed}", "")
            self._unnamed += not arguments.startswith(last)
            call_id = f"#{self._unnamed}"
        self._calls[call_id] = arguments


def queries_in(arguments: str) -> tuple[str, ...]:
    """Return what a call of a web search asks for, nothing while its arguments are incomplete."""
    parsed = _object(_json(arguments))
    queries = parsed.get("queries")
    # The site also writes arrays as JSON in a string.
    inner = _json(queries) if isinstance(queries, str) else queries
    wanted = inner if isinstance(inner, list) else [queries, parsed.get("query")]
    return tuple(query.strip() for query in wanted if isinstance(query, str) and query.strip())


def _json(text: str) -> object:
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value


def _pages(value: object) -> Iterator[_Page]:
    for place, page in enumerate(value if isinstance(value, list) else ()):
        if isinstance(page, dict) and (url := string_of(page.get("url"))):
            index = page.get("index")
            snippet = string_of(page.get("snippet")) or string_of(page.get("description"))
            result = SearchResult(url, string_of(page.get("title")), snippet)
            yield _Page(place, index if type(index) is int and index > 0 else 0, result)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
