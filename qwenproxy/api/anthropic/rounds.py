"""The searches of an answer as rounds: what was asked each time, and the pages that this brought. Pure.

The events tell all queries and all pages so far; Anthropic's form has a call with its result for each search.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from qwenproxy.chat import Search, SearchResult

Round = tuple[tuple[str, ...], tuple[SearchResult, ...]]


class Rounds:
    """The rounds so far; holds back the last one until it is complete."""

    def __init__(self, question: str) -> None:
        """`question` stands for a query that the site does not tell."""
        self.shown = 0
        self._question = question
        self._queries: tuple[str, ...] = ()
        self._pages: tuple[SearchResult, ...] = ()
        self._shown_queries = 0
        self._shown_pages = 0

    def take(self, search: Search) -> Iterator[Round]:
        """Take what is known by now; yield the round before it if a new one has begun."""
        has_pages = len(self._pages) > self._shown_pages
        if has_pages and len(search.queries) > len(self._queries):
            yield from self.rest()
        self._queries, self._pages = search.queries, search.results

    def rest(self) -> Iterator[Round]:
        """Yield the round that was held back, if there is one, because no more of it can come."""
        queries, pages = self._queries[self._shown_queries :], self._pages[self._shown_pages :]
        if not queries and not any(page.url for page in pages):
            return
        self._shown_queries, self._shown_pages = len(self._queries), len(self._pages)
        self.shown += 1
        yield queries, pages

    def input_json(self, queries: tuple[str, ...]) -> str:
        """Return the arguments of the call that made a round."""
        return orjson.dumps({"query": "; ".join(queries) or self._question}).decode()
