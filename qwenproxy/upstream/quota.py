"""How much an account has left of what the site counts (protocol 10.2). Pure.

The numbers lag behind: they are news for a person. What an account may do is decided by the site's refusals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream.bodies import object_in

UNLIMITED = -1
# Our names of the kinds, and the site's.
_FEATURES = {
    "t2i": "t2i",
    "image_edit": "image_edit",
    "t2v": "t2v",
    "deep_research": "deep_research_deep_research",
    "deep_research_advanced": "deep_research_deep_research_advanced",
    "thinking": "thinking",
    "search": "search",
}
KINDS = tuple(_FEATURES)
FEATURES = tuple(_FEATURES.values())


@dataclass(frozen=True, slots=True)
class Left:
    """How many times an account may do work of a kind (one of KINDS); UNLIMITED is -1."""

    kind: str
    times: int


def parse_quota(body_text: str) -> tuple[Left, ...]:
    """Return what is left, in the order of KINDS, of the kinds that the site names. Raises ProtocolChanged."""
    data = (object_in(body_text) or {}).get("data")
    if not isinstance(data, dict):
        raise ProtocolChanged("The site's quota has an unknown form. A newer qwenproxy may know it.")
    counts = {kind: _times(data.get(feature)) for kind, feature in _FEATURES.items()}
    return tuple(Left(kind, times) for kind, times in counts.items() if times is not None)


def format_quota(quota: tuple[Left, ...]) -> dict[str, int]:
    """Return a JSON object for a file or a program: the times by kind."""
    return {left.kind: left.times for left in quota}


def parse_formatted_quota(value: object) -> tuple[Left, ...]:
    """Read what `format_quota` wrote; pass over anything else."""
    counts = value if isinstance(value, dict) else {}
    return tuple(Left(kind, times) for kind in KINDS if (times := _times(counts.get(kind))) is not None)


def _times(entry: Any) -> int | None:
    if isinstance(entry, dict):
        entry = entry.get("times_left")
    if isinstance(entry, bool) or not isinstance(entry, int):
        return None
    return max(entry, UNLIMITED)
