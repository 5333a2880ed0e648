"""POST …/completions: parse the request and choose the encoder; answering.py does the rest."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.answering import respond
from qwenproxy.api.bodies import json_body
from qwenproxy.api.completions.encoder import TextEncoder
from qwenproxy.api.completions.request import parse_completion
from qwenproxy.history.conversations import Alone


def blueprint() -> Blueprint:
    """Return the route."""
    routes = Blueprint("completions", __name__)
    for prefix in PREFIXES:
        routes.add_url_rule(f"{prefix}/completions", view_func=complete, methods=["POST"])
    return routes


def complete() -> ResponseReturnValue:
    """Answer POST …/completions."""
    completion = parse_completion(json_body())
    encoder = TextEncoder(completion.echo, include_usage=completion.include_usage)
    return completion.ignored.put_header(respond(Alone(), completion.chat, encoder))
