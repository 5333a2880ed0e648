"""Applications that are made quickly: the tests make thousands, and most of the time went into reading their routes.

Werkzeug reads the pattern of each route of each application, and generates two functions that write an address for the
route. All that depends on the pattern alone, so that all applications of a process can share it; and so they can the
product's blueprints, which hold no state.
"""

from __future__ import annotations

import functools
from typing import Any

from werkzeug.routing import Rule

from qwenproxy import api

_READ = ("_parts", "_trace", "_converters", "arguments")  # what a rule learns from its pattern


def share_routes() -> None:
    """Let the applications of this process share their blueprints, and what the routes learn from their patterns."""
    rooms: Any = api
    rooms.wire_apis = functools.cache(rooms.wire_apis)
    patched: Any = Rule
    read, generate = patched.compile, patched._compile_builder
    known: dict[object, dict[str, Any]] = {}
    builders: dict[object, Any] = {}

    def compile_once(rule: Any) -> None:
        key = (rule.rule, rule.subdomain, rule.host, rule.merge_slashes, rule.map.host_matching)
        if rule.defaults:
            read(rule)  # whose values are written into the functions
        elif key in known:
            vars(rule).update(known[key])
            for name, append_unknown in (("_build", False), ("_build_unknown", True)):
                setattr(rule, name, rule._compile_builder(append_unknown).__get__(rule))
        else:
            read(rule)
            known[key] = {name: vars(rule)[name] for name in _READ}

    def generate_once(rule: Any, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return generate(rule, append_unknown)
        key = (tuple(rule._trace), append_unknown)
        if key not in builders:
            builders[key] = generate(rule, append_unknown)
        return builders[key]

    patched.compile = compile_once
    patched._compile_builder = generate_once
