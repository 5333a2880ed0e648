"""What the phases of a streamed answer carry beside plain text: thinking summaries, search results, images, counts.

Used by the event decoder alone (protocol 5.2). Takes single JSON values of a delta, of any shape, and never
fails over one: what it does not understand it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from qwenproxy.chat import SearchResult, Usage

_ADDRESS = re.compile(r"(https?://|//|/api/|data:)\S+\Z")


class ThinkingSummary:
    """Turn the repeated snapshots of a thinking summary into the text that each one adds.

    A snapshot holds all titles and all thoughts so far. Both lists grow, and so may their last elements; a later round
    of thinking may begin its lists anew. Every title and thought is told once, titles on a line of their own.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[str, int], str] = {}
        self._last: tuple[str, int] | None = None

    def grow(self, extra: object) -> str:
        """Return the new text in the `extra` of a frame, "" if there is none."""
        titles, thoughts = (list(_strings(extra, key)) for key in ("summary_title", "summary_thought"))
        new = []
        for index, (title, thought) in enumerate(zip_longest(titles, thoughts, fillvalue="")):
            new.append(self._tell(("title", index), title))
            new.append(self._tell(("thought", index), thought))
        return "".join(new)

    def _tell(self, place: tuple[str, int], text: str) -> str:
        told = self._told.get(place, "")
        if told.startswith(text):
            return ""
        self._told[place] = text
        grows = bool(told) and text.startswith(told)
        new = text[len(told) :] if grows else text
        if self._last is None or (grows and place == self._last):
            line_break = ""
        else:
            line_break = "\n\n" if place[0] == "title" else "\n"
        self._last = place
        return line_break + new


def search_results(extra: object) -> tuple[SearchResult, ...]:
    """Return the pages a web search found, in either form of protocol 5.4(3)."""
    if not isinstance(extra, dict):
        return ()
    found = extra.get("web_search_info")
    if not found:
        tool_result = extra.get("tool_result")
        found = tool_result.get("docs") if isinstance(tool_result, dict) else None
    return tuple(
        SearchResult(page["url"], _string(page.get("title")), _string(page.get("snippet")))
        for page in _dicts(found)
        if _string(page.get("url"))
    )


def image_addresses(delta: dict[str, Any]) -> list[str]:
    """Return the addresses of the images in a delta of an image phase, as the site wrote them."""
    content, extra = delta.get("content"), delta.get("extra")
    written = content.strip() if isinstance(content, str) else ""
    # an edit may be told in words, too
    is_address = delta.get("phase") == "image_gen" or (delta.get("phase") == "image_edit" and _ADDRESS.match(written))
    addresses = [written] if is_address else []
    items = [*_dicts(content), *_dicts(delta.get("content_list"))]
    if isinstance(extra, dict):
        items += [*_dicts(extra.get("tool_result")), *_dicts(extra.get("image_list"))]
    addresses += [_string(item.get("image")) for item in items]
    return [address.strip() for address in addresses if address.strip()]


def complete_address(address: str, origin: str, chat_id: str) -> str:
    """Return the address of an image with scheme and host; the site's own are relative to it or to the chat."""
    if address.startswith(("http://", "https://", "data:")):
        return address
    if address.startswith("//"):
        return f"https:{address}"
    if address.startswith("/api/"):
        return origin + address
    return f"{origin}/api/v2/chat/{chat_id}/{address.lstrip('/')}"


def token_counts(usage: dict[str, Any]) -> Usage:
    """Return the counts of a frame; odd ones count as nothing (protocol 5.3)."""
    return Usage(
        _tokens(usage, "input_tokens"),
        _tokens(usage, "output_tokens"),
        _tokens(usage.get("output_tokens_details"), "reasoning_tokens"),
        _tokens(usage.get("prompt_tokens_details"), "cached_tokens"),
    )


def text_of_parts(content: object) -> str:
    """Return the text in a content that is a list of parts."""
    return "".join(_string(part.get("text")) for part in _dicts(content))


def _strings(extra: object, key: str) -> Iterator[str]:
    summary = extra.get(key) if isinstance(extra, dict) else None
    content = summary.get("content") if isinstance(summary, dict) else None
    if isinstance(content, list):
        # an element of another kind keeps its place, so that titles and thoughts stay side by side
        yield from (_string(element) for element in content)


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _tokens(counts: object, key: str) -> int:
    count = counts.get(key) if isinstance(counts, dict) else None
    return count if type(count) is int and count >= 0 else 0


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
