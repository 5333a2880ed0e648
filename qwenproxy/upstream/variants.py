"""A model with the switches that its name turns on: `qwen3.7-plus-thinking-search`; and names of other vendors' models.

The relay resolves a client's model name with it; the api lists variants. Pure; knows no settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from qwenproxy.chat import ChatRequest, WebSearch
from qwenproxy.upstream.models import Catalogue, Model, without_vendor

_FOREIGN = re.compile(r"(?:(?:chat)?gpt-|o[0-9]|claude-|gemini-)", re.IGNORECASE)
_SMALL = re.compile(r"-(?:mini|nano)\b|haiku|-flash", re.IGNORECASE)
_TAG = re.compile(r":[^:/]*\Z")
# Clients of Anthropic's API show only models whose id begins like this.
CLAUDE = "claude-"
_CLAUDE_BEFORE = re.compile(rf"\A(?:.*/)?{CLAUDE}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Variant:
    """A model, and what its name says about the answer. `thinking` None leaves that to the request."""

    model: Model
    thinking: bool | None = None
    search: bool = False

    def applied_to(self, chat: ChatRequest) -> ChatRequest:
        """Return the request with the switches of the name, where the request itself does not say otherwise."""
        thinking = self.thinking if chat.thinking is None else chat.thinking
        # Beside functions the model decides whether to search.
        search = chat.search or (WebSearch(forced=not chat.tools) if self.search else None)
        return replace(chat, thinking=thinking, search=search)


def find_variant(catalogue: Catalogue, name: str) -> Variant | None:
    """Return what a name means: the name of a model, maybe `claude-` before it, endings behind it; None if unknown.

    A model that is really named so wins over an ending. Of two endings that exclude each other the last one counts.
    """
    model = catalogue.resolve(name)
    if model is not None:
        return Variant(model)
    bare, thinking, search = _without_ending(_TAG.sub("", name.strip()))
    if bare:
        shorter = find_variant(catalogue, bare)
        return shorter and _with_switches(shorter, thinking, search=search)
    bare, prefixes = _CLAUDE_BEFORE.subn("", name.strip())
    return find_variant(catalogue, bare) if prefixes else None


def stand_in(default: Variant, catalogue: Catalogue, name: str) -> Variant:
    """Return what answers in place of an unknown model, with the endings of its name.

    A small model of another vendor gives way to the fast model, any other to the default.
    """
    bare, thinking, search = _without_ending(_TAG.sub("", name.strip()))
    if bare:
        return _with_switches(stand_in(default, catalogue, bare), thinking, search=search)
    fast = catalogue.fast if is_foreign(name) and _SMALL.search(without_vendor(name)) else None
    return Variant(fast) if fast else default


def is_foreign(name: str) -> bool:
    """Tell whether another vendor's models have such names."""
    return _FOREIGN.match(without_vendor(name.strip())) is not None


def listed_variants(model: Model) -> list[tuple[str, Variant]]:
    """Return the names of a model with each ending that changes its answers."""
    able = (
        ("-thinking", Variant(model, thinking=True), model.thinking and not model.always_thinks),
        ("-fast", Variant(model, thinking=False), model.thinking and not model.always_thinks),
        ("-search", Variant(model, search=True), model.search),
    )
    return [(model.id + ending, variant) for ending, variant, is_able in able if is_able]


_ENDINGS: tuple[tuple[str, bool | None, bool], ...] = (
    ("-thinking", True, False),
    ("-fast", False, False),
    ("-search", None, True),
)


def _without_ending(name: str) -> tuple[str, bool | None, bool]:
    """Return the name without its last ending, and what that switches; an empty name if it has none."""
    for ending, thinking, search in _ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)], thinking, search
    return "", None, False


def _with_switches(variant: Variant, thinking: bool | None, *, search: bool) -> Variant:
    """Return the variant with one more ending, which comes after its own."""
    return replace(
        variant,
        thinking=variant.thinking if thinking is None else thinking,
        search=variant.search or search,
    )
