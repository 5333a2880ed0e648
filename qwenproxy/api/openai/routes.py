"""The OpenAI routes: chat completions and models, under /v1, /api/v1 and /api.

They parse the request and choose the encoder; answering.py does the rest (architecture 4).
"""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.answering import respond
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.openai.addresses import PREFIXES
from qwenproxy.api.openai.encoder import CompletionEncoder
from qwenproxy.api.openai.models import model_object
from qwenproxy.api.openai.request import parse_chat_request
from qwenproxy.api.wiring import relay
from qwenproxy.errors import ModelNotFound
from qwenproxy.history.conversations import Alone
from qwenproxy.wsgi.client import client_gone_check


def blueprint() -> Blueprint:
    """Return the OpenAI routes."""
    routes = Blueprint("openai", __name__)
    for prefix in PREFIXES:
        routes.add_url_rule(f"{prefix}/chat/completions", view_func=create_completion, methods=["POST"])
        routes.add_url_rule(f"{prefix}/models", view_func=list_models)
        routes.add_url_rule(f"{prefix}/models/<path:name>", view_func=get_model)
    return routes


def create_completion() -> ResponseReturnValue:
    """Answer POST …/chat/completions."""
    completion = parse_chat_request(json_body())
    encoder = CompletionEncoder(include_usage=completion.include_usage, legacy=completion.legacy)
    return completion.ignored.put_header(respond(Alone(), completion.chat, encoder))


def list_models() -> ResponseReturnValue:
    """Answer GET …/models: the site's live models and the documented names."""
    catalogue = relay().catalogue(client_gone_check(request.environ))
    return json_response({"object": "list", "data": [model_object(*row) for row in catalogue.listing()]})


def get_model(name: str) -> ResponseReturnValue:
    """Answer GET …/models/<id> for every name that a request may use; the object has the name of the request."""
    model = relay().catalogue(client_gone_check(request.environ)).resolve(name)
    if model is None:
        raise ModelNotFound(f"The model {name[:100]!r} does not exist; GET /v1/models lists them.", param="model")
    return json_response(model_object(name, model))
