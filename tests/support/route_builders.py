"""Applications that are made quickly: the tests make thousands, and most of the time went into what nobody here calls.

Werkzeug generates, for each route of each application, two functions that write an address for the route. They depend
on the route's pattern alone, so that all applications of a process can share them. Matching is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


def share_builders() -> None:
    """Let the routes of this process share what they generate to write addresses."""
    generate: Callable[[Rule, bool], Builder] = Rule._compile_builder
    known: dict[tuple[tuple[tuple[bool, str], ...], bool], Builder] = {}

    def shared(rule: Rule, append_unknown: bool = True) -> Builder:
        if rule.defaults:
            return generate(rule, append_unknown)  # which writes them into the function
        key = (tuple(rule._trace), append_unknown)
        if key not in known:
            known[key] = generate(rule, append_unknown)
        return known[key]

    patched: Any = Rule
    patched._compile_builder = shared
