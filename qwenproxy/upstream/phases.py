"""Name the phases of an answer, and read what a delta carries beside plain text: thoughts, results, images, counts.

Only the event decoder uses this (protocol 5.2). Takes single JSON values of a delta, of any shape, and never fails: it
leaves out what it does not understand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from qwenproxy.chat import Usage

# The site also writes the answer without a phase.
ANSWER_PHASES = frozenset({None, "", "answer", "Writing", "ReportGeneration"})
REASONING_PHASES = frozenset(
    {
        "think",
        "thought",
        "DeepThinking",
        "ResearchNotice",
        "ResearchPlanning",
        "ResearchSearching",
        "ResearchReading",
        "WebResearch",
    }
)
IMAGE_PHASES = frozenset(
    {"image_gen", "image_gen_tool", "image_edit_tool", "image_edit", "generate_image", "image_gen_think"}
)
# Only these phases end a piece of the answer; thinking and tools end their own (protocol 0, rule 3).
FINAL_PHASES = ANSWER_PHASES | {"image_gen", "image_edit"}

_ADDRESS = re.compile(r"(https?://|//|/api/|data:)\S+\Z")


class ThinkingSummary:
    """Turns the repeated snapshots of a thinking summary into the text that each one adds.

    A snapshot holds all titles and all thoughts so far. Both lists grow, and so may their last elements; a later round
    of thinking may begin its lists anew. Every title and thought comes out once, titles on a line of their own.
    """

    def __init__(self) -> None:
        self._texts: dict[tuple[str, int], str] = {}
        self._last: tuple[str, int] | None = None

    def grow(self, extra: object) -> str:
        """Return the new text in the `extra` of a frame, "" if there is none."""
        titles, thoughts = (list(_strings(extra, key)) for key in ("summary_title", "summary_thought"))
        new = []
        for index, (title, thought) in enumerate(zip_longest(titles, thoughts, fillvalue="")):
            new.append(self._addition(("title", index), title))
            new.append(self._addition(("thought", index), thought))
        return "".join(new)

    def _addition(self, place: tuple[str, int], text: str) -> str:
        """Return what `text` adds to the older text of its place, after a line break where a new one begins."""
        older = self._texts.get(place, "")
        if older.startswith(text):
            return ""
        self._texts[place] = text
        grows = bool(older) and text.startswith(older)
        new = text[len(older) :] if grows else text
        if self._last is None or (grows and place == self._last):
            line_break = ""
        else:
            line_break = "\n\n" if place[0] == "title" else "\n"
        self._last = place
        return line_break + new


def image_addresses(delta: dict[str, Any]) -> list[str]:
    """Return the addresses of the images in a delta of an image phase, as the site wrote them."""
    content, extra = delta.get("content"), delta.get("extra")
    text = content.strip() if isinstance(content, str) else ""
    # The content of an edit may also be a description in words.
    is_address = delta.get("phase") == "image_gen" or (delta.get("phase") == "image_edit" and _ADDRESS.match(text))
    addresses = [text] if is_address else []
    items = [*_dicts(content), *_dicts(delta.get("content_list"))]
    if isinstance(extra, dict):
        items += [*_dicts(extra.get("tool_result")), *_dicts(extra.get("image_list"))]
    addresses += [string_of(item.get("image")) for item in items]
    return [address.strip() for address in addresses if address.strip()]


def image_sizes(delta: dict[str, Any], usage: object) -> list[tuple[int, int]]:
    """Return width and height of the images in a delta, in pixels; (0, 0) where the site names none."""
    extra = delta.get("extra")
    pairs = extra.get("output_image_hw") if isinstance(extra, dict) else None
    if isinstance(pairs, list):
        return [_size(*reversed(pair)) if isinstance(pair, list) and len(pair) == 2 else (0, 0) for pair in pairs]
    return [_size(usage.get("width"), usage.get("height"))] if isinstance(usage, dict) else []


def complete_address(address: str, origin: str, chat_id: str) -> str:
    """Return the address of an image with scheme and host; the site's own are relative to its root or to the chat."""
    if address.startswith(("http://", "https://", "data:")):
        return address
    if address.startswith("//"):
        return f"https:{address}"
    if address.startswith("/api/"):
        return origin + address
    return f"{origin}/api/v2/chat/{chat_id}/{address.lstrip('/')}"


def token_counts(usage: dict[str, Any]) -> Usage:
    """Return the counts of a frame, 0 for an invalid one (protocol 5.3)."""
    return Usage(
        _tokens(usage, "input_tokens"),
        _tokens(usage, "output_tokens"),
        _tokens(usage.get("output_tokens_details"), "reasoning_tokens"),
        _tokens(usage.get("prompt_tokens_details"), "cached_tokens"),
    )


def text_of_parts(content: object) -> str:
    """Return the text in a content that is a list of parts."""
    return "".join(string_of(part.get("text")) for part in _dicts(content))


def _size(width: object, height: object) -> tuple[int, int]:
    is_size = type(width) is int and type(height) is int and width > 0 and height > 0
    return (width, height) if is_size else (0, 0)  # type: ignore[return-value]


def _strings(extra: object, key: str) -> Iterator[str]:
    summary = extra.get(key) if isinstance(extra, dict) else None
    content = summary.get("content") if isinstance(summary, dict) else None
    if isinstance(content, list):
        # An element of another type keeps its place, so that titles and thoughts stay in pairs.
        yield from (string_of(element) for element in content)


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _tokens(counts: object, key: str) -> int:
    count = counts.get(key) if isinstance(counts, dict) else None
    return count if type(count) is int and count >= 0 else 0


def string_of(value: object) -> str:
    """Return a value that is text, "" for any other."""
    return value if isinstance(value, str) else ""
