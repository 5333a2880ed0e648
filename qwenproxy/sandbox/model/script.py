"""The stand-in model: what it thinks, looks up and says to a prompt.

It knows the prompt and the conversation as they reached the site, and nothing else: that makes {{echo}} a proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from qwenproxy.sandbox.envelope import compact
from qwenproxy.sandbox.model.directives import Directive

UNICODE_TEXT = (
    "Emoji 🙂👩‍👩‍👧‍👦🏳️‍🌈, Chinese 你好,世界, Japanese こんにちは, Korean 안녕하세요, Russian Привет, Hebrew שלום, "
    "Arabic مرحبا بالعالم, combining é ñ ạ̈, mathematics 𝔘𝔫𝔦, line separator \u2028 paragraph separator \u2029 "
    'next line \x85 no-break\xa0space, tab\tand quote " and backslash \\ end.'
)
_EXCERPT = 300  # characters of the question that the plain answer repeats
_LONG_PIECE = 8192


@dataclass(frozen=True, slots=True)
class Thinking:
    """A stretch of reasoning: (title, thought) pairs. `form` is "summary" or "detail"."""

    form: str
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SearchRound:
    """One web search. `form` names the field of the results: "web_search_info" or "docs"."""

    number: int
    query: str
    results: tuple[dict[str, str], ...]
    form: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says, piece by piece."""

    pieces: Iterable[str]


@dataclass(frozen=True, slots=True)
class Script:
    """What the model does, in order; a frame is due every `interval` seconds."""

    parts: tuple[Thinking | SearchRound | Answer, ...]
    interval: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model sees: the last message's text, the whole context, and how to think (None: not at all)."""

    text: str
    context: list[dict[str, Any]]
    directives: list[Directive]
    thinking: str | None
    search: bool
    interval: float


def compose(prompt: Prompt) -> Script:
    """Return what the model does with this prompt."""
    modifiers = {directive.name: directive for directive in prompt.directives}
    parts: list[Thinking | SearchRound | Answer] = []
    thinking = prompt.thinking
    if thinking and "think" in modifiers:
        thinking = modifiers["think"].text.strip() or thinking
    if thinking:
        parts.append(Thinking(thinking, _THOUGHTS))
    searches = prompt.search or "search" in modifiers
    if searches:
        form = modifiers["search"].text.strip() if "search" in modifiers else ""
        parts.extend(_searches(form or "web_search_info", thinking))
    answers = [directive for directive in prompt.directives if directive.name in _PACE_MS]
    interval = prompt.interval
    if answers:
        interval = answers[-1].option("interval_ms", _PACE_MS[answers[-1].name] or interval * 1000) / 1000
        parts.extend(Answer(_pieces(directive, prompt)) for directive in answers)
    else:
        parts.append(Answer(_CITATIONS if searches else _words(_plain_answer(prompt.text))))
    return Script(tuple(parts), interval)


# in a numbered chunk; replaced by the machine's monotonic clock (ns) when the chunk leaves
CLOCK = "@0000000000000000000"

_THOUGHTS = (
    ("Reading the question", "I look at what is asked. "),
    ("Weighing the answer", "The answer is simple, so I keep it short. "),
)
# directives that answer, and the milliseconds between frames unless the prompt has others (None: the sandbox's pace)
_PACE_MS = {"echo": None, "say": None, "stream": 20.0, "long": 0.001, "unicode": None, "tool": None}
# a citation mark that falls on the border of two deltas
_CITATIONS = ("According to [", "[1]", "] and [[", "2", "]], all is well. See also [[3]", "] and [[4]].")


def _pieces(directive: Directive, prompt: Prompt) -> Iterable[str]:
    if directive.name == "echo":
        return _cut(compact(prompt.context), 1000)
    if directive.name == "say":
        return _words(directive.text)
    if directive.name == "stream":
        stamp = CLOCK if directive.option("stamp", 0) else ""
        return _numbered(int(directive.option("chunks", 100)), int(directive.option("size", 10)), stamp)
    if directive.name == "long":
        return _long(int(directive.option("bytes", 1_000_000)))
    if directive.name == "unicode":
        return _cut(UNICODE_TEXT, 3)
    call = compact({"name": directive.text, "arguments": directive.arguments})
    return _cut(f"<tool_call>{call}</tool_call>\n", 7)


def _plain_answer(question: str) -> str:
    excerpt = question.strip()
    if len(excerpt) > _EXCERPT:
        excerpt = "…" + excerpt[-_EXCERPT:]
    return f'Hello! I am the stand-in for the real model. You said: "{excerpt}" Everything works.'


def _words(text: str) -> Iterator[str]:
    """Cut after every second space, so that short answers still come in several pieces."""
    words = text.split(" ")
    for start in range(0, len(words), 2):
        piece = " ".join(words[start : start + 2])
        yield piece if start + 2 >= len(words) else piece + " "


def _cut(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def _numbered(count: int, size: int, stamp: str) -> Iterator[str]:
    width = max(3, len(str(count - 1)))
    return (f"chunk-{number:0{width}d}{stamp}".ljust(size - 1, ".") + " " for number in range(count))


def _long(size: int) -> Iterator[str]:
    number = 0
    while size > 0:
        lines = "".join(f"line {number + offset:07d}\n" for offset in range(_LONG_PIECE // 13))
        number += _LONG_PIECE // 13
        yield lines[:size]
        size -= len(lines)


def _searches(form: str, thinking: str | None) -> Iterator[Thinking | SearchRound]:
    for number, query in enumerate(("stand-in news", "stand-in history")):
        results = tuple(_result(number * 2 + offset + 1) for offset in range(2))
        yield SearchRound(number, query, results, form)
        if thinking:
            yield Thinking(thinking, ((f"Reading the results of round {number + 1}", "They look helpful. "),))


def _result(number: int) -> dict[str, str]:
    return {
        "url": f"https://example.com/page-{number}",
        "title": f"Page {number}",
        "snippet": f"What page {number} says.",
        "hostname": "example.com",
        "hostlogo": "https://example.com/logo.png",
        "date": "2026-08-01",
    }
