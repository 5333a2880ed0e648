"""What the stand-in model can do in one answer, as values: think, search, call, use a tool of the site, speak.

compose() in script.py makes them, playing.py turns them into frames. Knows neither prompts nor frames.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Thinking:
    """A stretch of reasoning: (title, thought) pairs. `form` is "summary" or "detail"."""

    form: str
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SearchRound:
    """One web search. `results` are those that its frame shows; `form` is "web_search_info" or "docs".

    `next_number` is the next free citation number after it.
    """

    function_id: str
    query: str
    results: tuple[dict[str, str], ...]
    next_number: int
    form: str


@dataclass(frozen=True, slots=True)
class Searches:
    """Web searches that run at the same time."""

    rounds: tuple[SearchRound, ...]


@dataclass(frozen=True, slots=True)
class NativeCalls:
    """Calls of functions offered by `local_mcp`: (server, name, arguments) each, a tuple of them per frame.

    `form` is "local_mcp", "local_mcp_text" (arguments as JSON text) or "function_call"; `prefixed` puts the server's
    name before the function's.
    """

    frames: tuple[tuple[tuple[str, str, Any], ...], ...]
    form: str
    prefixed: bool


@dataclass(frozen=True, slots=True)
class ChannelCalls:
    """Calls that go through the site's own function channel, where nobody knows them: (name, arguments) each.

    `as_text` writes arrays and objects inside the arguments as JSON strings.
    """

    calls: tuple[tuple[str, Any], ...]
    as_text: bool


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A use of a tool that the site itself has, such as its code interpreter or its memory."""

    phase: str
    arguments: str
    result: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says, piece by piece."""

    pieces: Iterable[str]


Part = Thinking | Searches | NativeCalls | ChannelCalls | BuiltIn | Answer


@dataclass(frozen=True, slots=True)
class Script:
    """What the model does, in order; a frame is due every `interval` seconds.

    `ends` False leaves out the frames that finish the answer.
    """

    parts: tuple[Part, ...]
    interval: float
    ends: bool = True
