"""Name the parts of a request that have no effect: the header x-qwenproxy-ignored (contract 4.2, 7).

The parsers fill it, the routes send it. It names only losses: a value that would change nothing is none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from flask import Response

HEADER = "x-qwenproxy-ignored"
MOST_NAMES = 50

# No value of these changes a word of the answer.
_NEVER_LOST = frozenset(
    {
        "cache_control", "client_metadata", "metadata", "prediction", "prompt_cache_key", "prompt_cache_options",
        "prompt_cache_retention", "safety_identifier", "service_tier", "stream_options", "user",
    }
)  # fmt: skip
# The site does this anyway.
_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "frequencyPenalty": (0,),
    "frequency_penalty": (0,),
    "min_p": (0,),
    "modalities": (["text"],),
    "presencePenalty": (0,),
    "presence_penalty": (0,),
    "repetition_penalty": (1,),
    "response_format": ({"type": "text"},),
    "search_context_size": ("medium",),
    "temperature": (1,),
    "tool_choice": ("auto", "none"),
    "topP": (1,),
    "top_k": (0, -1),
    "top_logprobs": (0,),
    "top_p": (1,),
    "truncation": ("disabled",),
    "verbosity": ("medium",),
}
# An empty value of these still asks for something.
_ASK_WHEN_EMPTY: Mapping[str, tuple[Any, ...]] = {"web_search_options": ()}


class Ignored:
    """The names for one request."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names in order, each once."""
        return tuple(self._names)

    def add(self, *words: object) -> None:
        """Add a name made of the words of a path; skip words that are not plain."""
        # The names go into a header of the answer, so only plain words are safe.
        plain = [word for word in words if isinstance(word, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", word)]
        if plain and plain[0] == words[0] and len(self._names) < MOST_NAMES:
            self._names[".".join(plain)] = None

    def add_fields(self, body: Mapping[str, Any], honoured: Collection[str], *within: str) -> None:
        """Add the fields that are not honoured and whose value asks for something; `within` is the path to them."""
        for name, value in body.items():
            if name not in honoured and _asks(name, value):
                self.add(*within, name)

    def put_header(self, response: Response) -> Response:
        """Put the header on an answer, if there are names; return the answer."""
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
