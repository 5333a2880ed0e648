"""Ollama's routes about models and the server: tags, show, ps, pull, version, and that it runs.

The models are the site's live list. None of them is on this machine, so there is nothing to load or to pull.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.fields import read_flag
from qwenproxy.api.ollama.addresses import PREFIX
from qwenproxy.api.ollama.format import NDJSON, VERSION, line, model_object, tag_object
from qwenproxy.api.ollama.request import read_model
from qwenproxy.api.wiring import relay
from qwenproxy.wsgi.client import client_gone_check

if TYPE_CHECKING:
    from qwenproxy.upstream.models import Model


def blueprint() -> Blueprint:
    """Return the routes."""
    routes = Blueprint("ollama_models", __name__, url_prefix=PREFIX)
    routes.add_url_rule("", view_func=greet)
    routes.add_url_rule("/api/version", view_func=version)
    routes.add_url_rule("/api/tags", view_func=list_models)
    routes.add_url_rule("/api/ps", view_func=list_loaded)
    routes.add_url_rule("/api/show", view_func=show, methods=["POST"])
    routes.add_url_rule("/api/pull", view_func=pull, methods=["POST"])
    return routes


def greet() -> ResponseReturnValue:
    """Answer GET /ollama with the words that clients look for."""
    return Response("Ollama is running", mimetype="text/plain")


def version() -> ResponseReturnValue:
    """Answer GET /ollama/api/version."""
    return json_response({"version": VERSION})


def list_models() -> ResponseReturnValue:
    """Answer GET /ollama/api/tags: the names that /v1/models has."""
    rows = relay().model_list(client_gone_check(request.environ)).listing()
    return json_response({"models": [tag_object(name, variant.model) for name, variant in rows]})


def list_loaded() -> ResponseReturnValue:
    """Answer GET /ollama/api/ps: no model is in this machine's memory."""
    return json_response({"models": []})


def show() -> ResponseReturnValue:
    """Answer POST /ollama/api/show for every name that a request may use."""
    name = read_model(json_body(any_type=True))
    return json_response(model_object(name, _describe(name)))


def pull() -> ResponseReturnValue:
    """Answer POST /ollama/api/pull: a known model needs no download."""
    body = json_body(any_type=True)
    name, streamed = read_model(body), read_flag(body, "stream") is not False
    _describe(name)
    if not streamed:
        return json_response({"status": "success"})
    lines = [line({"status": status}) for status in ("pulling manifest", "success")]
    return Response(lines, mimetype=NDJSON)


def _describe(name: str) -> Model:
    """Return the model that a name means. Raises ModelNotFound."""
    return relay().model_list(client_gone_check(request.environ)).describe(name).model
