"""GET /admin/api/connect: what to set in other programs so that they use this proxy (contract 5.1).

The address is the one under which the page was asked for: a port of its own for Ollama's API may not be reached from
where the page is, the path below the address is. No key is shown: the placeholder stands in its place.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qwenproxy.admin.office import office, wanted_language
from qwenproxy.api.errors import json_response
from qwenproxy.connect.change import render
from qwenproxy.connect.program import API_NAMES, Program, Target, Way, target_of
from qwenproxy.connect.programs import PROGRAMS
from qwenproxy.texts import speaker

KEY = "YOUR-KEY"


def blueprint() -> Blueprint:
    """Return the route of the programs."""
    routes = Blueprint("admin-connect", __name__)
    routes.add_url_rule("/admin/api/connect", view_func=show)
    return routes


def show() -> ResponseReturnValue:
    """Answer GET /admin/api/connect."""
    target, lang = _target(), wanted_language()
    return json_response({"programs": [_program(program, target, lang) for program in PROGRAMS.values()]})


def _target() -> Target:
    address = request.host_url.rstrip("/")
    key = KEY if office().client_keys.enabled else ""
    name, model = office().relay.default_model()
    lengths = (model.context_length, model.output_length) if model else (None, None)
    return target_of(address, f"{address}/ollama", key, name, lengths)


def _program(program: Program, target: Target, lang: str) -> dict[str, Any]:
    say = speaker(lang)
    return {
        "name": program.name,
        "title": program.title,
        "ways": [_way(way, target) for way in program.ways],
        "notes": [say(note) for note in program.notes],
    }


def _way(way: Way, target: Target) -> dict[str, Any]:
    return {
        "api": API_NAMES[way.api],
        "variables": dict(way.variables(target)),
        "files": [{"name": each.location.name, "content": render(each)} for each in way.settings(target)],
        "sample": way.sample(target),
    }
