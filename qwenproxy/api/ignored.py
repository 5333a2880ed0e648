"""What of a request has no effect on its answer, by name: the header x-qwenproxy-ignored (contract 4.2, 7).

Filled by the parsers, sent by the routes. Names only what is lost: a value that changes nothing is no loss.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from flask import Response

HEADER = "x-qwenproxy-ignored"
MOST_NAMES = 50

# Whatever their value, they change no word of an answer.
_NEVER_LOST = frozenset(
    {
        "metadata", "prediction", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
        "safety_identifier", "service_tier", "stream_options", "user",
    }
)  # fmt: skip
# What the site does anyway.
_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "min_p": (0,),
    "modalities": (["text"],),
    "presence_penalty": (0,),
    "repetition_penalty": (1,),
    "response_format": ({"type": "text"},),
    "temperature": (1,),
    "tool_choice": ("auto", "none"),
    "top_k": (0, -1),
    "top_logprobs": (0,),
    "top_p": (1,),
    "verbosity": ("medium",),
}
# An empty value of these asks for something.
_ASK_WHEN_EMPTY: Mapping[str, tuple[Any, ...]] = {"parallel_tool_calls": (True,), "web_search_options": ()}


class Ignored:
    """The names gathered for one request."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What was named, in order, each once."""
        return tuple(self._names)

    def add(self, *words: object) -> None:
        """Name something by the words of its path; what is no plain word counts for nothing."""
        # They end up in a header of the answer: only what is a plain name may get there.
        plain = [word for word in words if isinstance(word, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", word)]
        if plain and plain[0] == words[0] and len(self._names) < MOST_NAMES:
            self._names[".".join(plain)] = None

    def add_fields(self, body: Mapping[str, Any], honoured: Collection[str], *within: str) -> None:
        """Name the fields that are not honoured and whose value asks for something; `within` is where they stand."""
        for name, value in body.items():
            if name not in honoured and _asks(name, value):
                self.add(*within, name)

    def tell(self, response: Response) -> Response:
        """Put the header on an answer, if there is something to say."""
        if self._names:
            response.headers[HEADER] = ",".join(self._names)
        return response


def _asks(name: str, value: Any) -> bool:
    if name in _ASK_WHEN_EMPTY:
        return value is not None and value not in _ASK_WHEN_EMPTY[name]
    if name in _NEVER_LOST or value in _DEFAULTS.get(name, ()):
        return False
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number or bool(value)
