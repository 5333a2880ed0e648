"""The sources of an answer as Gemini's `groundingMetadata`: pages, what was asked, and which text stands on which.

Google counts places in bytes of UTF-8, the neutral vocabulary in characters. Pure; part of format.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from qwenproxy.chat import Citation, SearchResult
from qwenproxy.chat.answer import Answer

# Where the text that a mark stands for begins: behind a line break, or behind the end of a sentence.
_BEGINS = re.compile(r"\n\s*|[.!?\u3002\uff01\uff1f][\"')\]\u201d\u00bb]*\s+")


def grounding_metadata(answer: Answer, part_index: int = 0) -> dict[str, Any] | None:
    """Return the sources of an answer, None if it has none; `part_index` is the place of its text among its parts."""
    pages = _pages(answer)
    if not pages and answer.search is None:
        return None
    queries = answer.search.queries if answer.search else ()
    metadata: dict[str, Any] = {"webSearchQueries": list(queries)} if queries else {}
    if pages:
        metadata["groundingChunks"] = [{"web": _web(page)} for page in pages]
    if supports := _supports(answer.text, answer.citations, pages, part_index):
        metadata["groundingSupports"] = supports
    return metadata


def _pages(answer: Answer) -> list[SearchResult]:
    """Return the pages with an address, each address once."""
    results = answer.search.results if answer.search else ()
    pages: dict[str, SearchResult] = {}
    for page in (*results, *(citation.source for citation in answer.citations)):
        if page.url:
            pages.setdefault(page.url, page)
    return list(pages.values())


def _web(page: SearchResult) -> dict[str, str]:
    try:
        domain = urlsplit(page.url).hostname or ""
    except ValueError:
        domain = ""
    return {"uri": page.url, "title": page.title or page.url, **({"domain": domain} if domain else {})}


def _supports(
    text: str, citations: Sequence[Citation], pages: Sequence[SearchResult], part_index: int
) -> list[dict[str, Any]]:
    """Return one entry for each stretch of text with marks behind it; marks side by side share one."""
    numbers = {page.url: number for number, page in enumerate(pages)}
    supports: list[dict[str, Any]] = []
    end_of_last = 0
    for citation in citations:
        number = numbers[citation.source.url]
        if supports and not text[end_of_last : citation.start].strip():
            indices = supports[-1]["groundingChunkIndices"]
            if number not in indices:
                indices.append(number)
        else:
            start, end = _claim(text, end_of_last, citation.start)
            segment = _segment(text, start, end, part_index)
            supports.append({"segment": segment, "groundingChunkIndices": [number]})
        end_of_last = citation.end
    return supports


def _claim(text: str, after: int, mark: int) -> tuple[int, int]:
    """Return where the text begins and ends that a mark stands for: its sentence, not before the last mark."""
    before = text[after:mark]
    end = len(before.rstrip())
    begins = [match.end() for match in _BEGINS.finditer(before) if match.end() < end]
    start = begins[-1] if begins else len(before) - len(before.lstrip())
    return after + min(start, end), after + end


def _segment(text: str, start: int, end: int, part_index: int) -> dict[str, Any]:
    first = len(_bytes(text[:start]))
    words = text[start:end]
    # Google leaves a place of zero out, and its clients read that.
    return {
        **({"partIndex": part_index} if part_index else {}),
        **({"startIndex": first} if first else {}),
        "endIndex": first + len(_bytes(words)),
        "text": words,
    }


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
