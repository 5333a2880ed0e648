"""Ollama's routes that ask a model: POST /ollama/api/chat and /ollama/api/generate.

They parse the request and choose the form of the answer; answering.py does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.answering import respond
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.ollama.addresses import PREFIX
from qwenproxy.api.ollama.encoder import OllamaEncoder, Piece, message_piece, response_piece
from qwenproxy.api.ollama.format import NDJSON, line, moment
from qwenproxy.api.ollama.request import OllamaRequest, parse_chat, parse_generate
from qwenproxy.api.wiring import relay
from qwenproxy.history.conversations import Alone
from qwenproxy.wsgi.client import client_gone_check


def blueprint() -> Blueprint:
    """Return the routes."""
    routes = Blueprint("ollama", __name__, url_prefix=f"{PREFIX}/api")
    routes.add_url_rule("/chat", view_func=chat, methods=["POST"])
    routes.add_url_rule("/generate", view_func=generate, methods=["POST"])
    return routes


def chat() -> ResponseReturnValue:
    """Answer POST /ollama/api/chat."""
    return answer_chat(json_body(any_type=True))


def generate() -> ResponseReturnValue:
    """Answer POST /ollama/api/generate."""
    return _answer(parse_generate(json_body(any_type=True)), response_piece)


def answer_chat(body: Mapping[str, Any]) -> Response:
    """Answer the body of a chat. Raises what prevents an answer."""
    return _answer(parse_chat(body), message_piece)


def _answer(asked: OllamaRequest, piece: Piece) -> Response:
    if asked.chat is None:
        response = _load(asked, piece)
    else:
        response = respond(Alone(), asked.chat, OllamaEncoder(asked.model, piece), stream_type=NDJSON)
    return asked.ignored.put_header(response)


def _load(asked: OllamaRequest, piece: Piece) -> Response:
    """Answer a request for a model without a question: see that it exists and that an account is there for it."""
    reason = "unload" if asked.unload else "load"
    model = relay().model_list(client_gone_check(request.environ)).resolve(asked.model).model.id
    done = {"model": model, "created_at": moment(), **piece(), "done": True, "done_reason": reason}
    return Response(line(done), mimetype=NDJSON) if asked.streamed else json_response(done)
