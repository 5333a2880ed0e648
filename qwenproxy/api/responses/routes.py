"""The routes of the Responses API: a response, the tokens of an input, a compacted conversation.

They parse the request and choose the encoder; answering.py does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from qwenproxy.api.answering import respond
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.openai.addresses import PREFIXES
from qwenproxy.api.responses import compaction
from qwenproxy.api.responses.encoder import ResponseEncoder
from qwenproxy.api.responses.items import normalised
from qwenproxy.api.responses.request import ResponseRequest, parse_response
from qwenproxy.chat.token_counts import question_tokens
from qwenproxy.errors import (
    NotFound,
    PreviousResponseNotFound,
    RequestError,
    UnsupportedParameter,
    UpgradeRequired,
)
from qwenproxy.history.conversations import Alone


def blueprint() -> Blueprint:
    """Return the routes."""
    routes = Blueprint("responses", __name__)
    for prefix in PREFIXES:
        root = f"{prefix}/responses"
        routes.add_url_rule(root, view_func=create, methods=["POST"])
        routes.add_url_rule(root, view_func=refuse_socket, methods=["GET"])
        routes.add_url_rule(root, endpoint="refuse_upgrade", view_func=refuse_socket, websocket=True)
        routes.add_url_rule(f"{root}/input_tokens", view_func=count, methods=["POST"])
        routes.add_url_rule(f"{root}/compact", view_func=compact, methods=["POST"])
    return routes


def create() -> ResponseReturnValue:
    """Answer POST …/responses."""
    return answer(json_body())


def answer(body: Mapping[str, Any]) -> Response:
    """Answer the body of a request for a response, streamed or whole. Raises the error that prevents an answer."""
    request = _parse(body)
    return request.ignored.put_header(respond(Alone(), request.chat, ResponseEncoder(request)))


def count() -> ResponseReturnValue:
    """Answer POST …/responses/input_tokens."""
    request = _parse(json_body())
    counts = {"object": "response.input_tokens", "input_tokens": question_tokens(request.chat)}
    return request.ignored.put_header(json_response(counts))


def compact() -> ResponseReturnValue:
    """Answer POST …/responses/compact: the newest messages, and an item that stands for all that came before."""
    body = json_body()
    if not body.get("model"):
        raise RequestError("model is missing.", param="model")
    items = normalised(body.get("input") or [])
    request = _parse({**body, "stream": False, "input": [*items, compaction.TRIGGER]})
    encoder = ResponseEncoder(request, form=partial(compaction.compacted, items=items))
    return request.ignored.put_header(respond(Alone(), request.chat, encoder))


def refuse_socket() -> ResponseReturnValue:
    """Answer GET …/responses: programs that wanted a WebSocket then go on with POST at once."""
    raise UpgradeRequired("There is no WebSocket here. Ask with POST.")


def _parse(body: Mapping[str, Any]) -> ResponseRequest:
    """Read a request whose whole conversation stands in it. Raises RequestError for one that refers to another."""
    request = parse_response(body)
    if request.previous_response_id:
        raise PreviousResponseNotFound(request.previous_response_id)
    if request.conversation:
        raise NotFound(f"Conversation with id {request.conversation[:100]!r} not found.", param="conversation")
    if request.background:
        raise UnsupportedParameter("Responses in the background are not supported. Leave it out.", param="background")
    return request
