"""The OpenAI routes: chat completions and models, under /v1, /api/v1 and /api.

Steps 1, 2 and 5 of one request's way (architecture 4): parse, open, answer.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.openai.chunks import Chunks, frames
from qwenproxy.api.openai.format import Answer, completion_object
from qwenproxy.api.openai.models import model_object
from qwenproxy.api.openai.request import parse_chat_request
from qwenproxy.api.wiring import conversations, relay
from qwenproxy.errors import ModelNotFound
from qwenproxy.wsgi.client import client_gone_check

if TYPE_CHECKING:
    from qwenproxy.relay.run import ChatRun

log = logging.getLogger(__name__)

PREFIXES = ("/v1", "/api/v1", "/api")


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
    wanted = parse_chat_request(json_body())
    client_gone = client_gone_check(request.environ)
    run = conversations().answer_once(wanted.chat, client_gone)
    if wanted.chat.streamed:
        prompt = tuple(message.text for message in wanted.chat.messages)
        body = frames(
            run, Chunks(run.model, legacy=wanted.legacy), client_gone, include_usage=wanted.include_usage, prompt=prompt
        )
        response = event_stream(body, run)
    else:
        response = json_response(collect(run, legacy=wanted.legacy))
    return wanted.ignored.tell(response)


def list_models() -> ResponseReturnValue:
    """Answer GET …/models: the site's live models and the documented names."""
    catalogue = relay().catalogue(client_gone_check(request.environ))
    return json_response({"object": "list", "data": [model_object(*row) for row in catalogue.listing()]})


def get_model(name: str) -> ResponseReturnValue:
    """Answer GET …/models/<id>, for every name that a request may use, under the name that was asked for."""
    model = relay().catalogue(client_gone_check(request.environ)).resolve(name)
    if model is None:
        raise ModelNotFound(f"The model {name[:100]!r} does not exist; GET /v1/models lists them.", param="model")
    return json_response(model_object(name, model))


def event_stream(body: object, run: ChatRun) -> Response:
    """Return a streamed answer that closes its run however it ends, even when it is never started."""
    response = Response(body, mimetype="text/event-stream")  # type: ignore[arg-type]
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Server-Timing"] = run.laps.header
    response.call_on_close(run.close)
    return response


def collect(run: ChatRun, *, legacy: bool = False) -> dict[str, object]:
    """Read the run to its end and return the `chat.completion` object. Raises what broke the answer."""
    answer = Answer()
    with run:
        for event in run:
            answer.add(event)
    return completion_object(answer, run.model, (message.text for message in run.chat.messages), legacy=legacy)
