"""Which way of offering functions works with an account and a model, learned from what went wrong (contract 7.3).

The relay asks before each question with functions. Memory of this process only: what is forgotten is learned again by
one attempt that no client notices, while a passing failure of the site, once on disk, would never be unlearned.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import orjson

from qwenproxy.chat import Tool
from qwenproxy.observe import journal
from qwenproxy.upstream.dialects import Way, local_tools

NATIVE_LIMIT = 100_000  # bytes of local tools; above about 127,000 the site answers nothing (protocol 4.8)
_WAYS: dict[str, tuple[Way, ...]] = {
    "auto": ("native", "trained", "neutral"),
    "native": ("native",),
    "prompt": ("trained", "neutral"),
}


class Offers:
    """The ways to offer functions, in the order in which they are tried."""

    def __init__(self, setting: str) -> None:
        """`setting` is the value of TOOLS: `auto`, `native` or `prompt`."""
        self._ways = _WAYS[setting]
        self._given_up: dict[tuple[str, str], int] = {}  # how many ways an account and a model do not take
        self._lock = threading.Lock()

    def way(self, account_id: str, model: str, tools: Sequence[Tool]) -> Way:
        """Return the first way that may work. The last one stays, whatever went wrong with it."""
        with self._lock:
            first = self._given_up.get((account_id, model), 0)
        way = self._ways[first]
        if way == "native" and len(self._ways) > 1 and _size(tools) > NATIVE_LIMIT:
            return self._ways[first + 1]
        return way

    def after(self, way: Way) -> Way | None:
        """Return the way to try when this one failed, None if it is the last."""
        later = self._ways[self._ways.index(way) + 1 :]
        return later[0] if later else None

    def give_up(self, account_id: str, model: str, way: Way) -> None:
        """Note that a way does not work with this account and model."""
        count = self._ways.index(way) + 1
        if count == len(self._ways):
            return
        with self._lock:
            is_news = self._given_up.get((account_id, model), 0) < count
            if is_news:
                self._given_up[account_id, model] = count
        if is_news:
            journal.note(journal.OfferChanged(account_id, model, self._ways[count]))


def _size(tools: Sequence[Tool]) -> int:
    form: dict[str, Any] = local_tools(tools)
    try:
        return len(orjson.dumps(form))
    except orjson.JSONEncodeError:
        return NATIVE_LIMIT + 1  # whole numbers over 64 bits go into the prompt
