"""The OpenAI routes: chat completions, under /v1, /api/v1 and /api.

They parse the request and choose the encoder; answering.py does the rest (architecture 4).
"""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.answering import respond
from qwenproxy.api.bodies import json_body
from qwenproxy.api.openai.encoder import CompletionEncoder
from qwenproxy.api.openai.request import parse_chat_request
from qwenproxy.history.conversations import Alone


def blueprint() -> Blueprint:
    """Return the OpenAI routes."""
    routes = Blueprint("openai", __name__)
    for prefix in PREFIXES:
        routes.add_url_rule(f"{prefix}/chat/completions", view_func=create_completion, methods=["POST"])
    return routes


def create_completion() -> ResponseReturnValue:
    """Answer POST …/chat/completions."""
    completion = parse_chat_request(json_body())
    encoder = CompletionEncoder(include_usage=completion.include_usage, legacy=completion.legacy)
    return completion.ignored.put_header(respond(Alone(), completion.chat, encoder))
