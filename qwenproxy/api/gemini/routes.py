"""The routes of Gemini's API: answers, whole and streamed, counts, and the models below its own version.

They parse the request and choose the encoder; answering.py does the rest (architecture 4).
"""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.answering import event_stream, respond, until_failure
from qwenproxy.api.auth import client_name
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.gemini.addresses import BETA_PREFIXES, PREFIXES, names_method
from qwenproxy.api.gemini.encoder import GeminiEncoder
from qwenproxy.api.gemini.pictures import picture_object
from qwenproxy.api.gemini.request import parse_count, parse_request
from qwenproxy.api.models.gemini_routes import get_gemini_model, list_gemini_models
from qwenproxy.api.painting import Painting
from qwenproxy.chat.token_counts import question_tokens
from qwenproxy.errors import MethodNotAllowed, ProxyError
from qwenproxy.history.conversations import Alone
from qwenproxy.media.pictures import PictureWish


def blueprint() -> Blueprint:
    """Return the routes."""
    routes = Blueprint("gemini", __name__)
    for prefix in PREFIXES:
        model = f"{prefix}/models/<path:model>"
        routes.add_url_rule(f"{model}:generateContent", view_func=generate, methods=["POST"])
        routes.add_url_rule(f"{model}:streamGenerateContent", view_func=stream, methods=["POST"])
        routes.add_url_rule(f"{model}:countTokens", view_func=count, methods=["POST"])
    for prefix in BETA_PREFIXES:
        routes.add_url_rule(f"{prefix}/models", view_func=list_gemini_models)
        routes.add_url_rule(f"{prefix}/models/<path:name>", view_func=get_model)
    return routes


def get_model(name: str) -> ResponseReturnValue:
    """Answer GET …/models/<name>. Raises MethodNotAllowed for a method of a model, ModelNotFound."""
    if names_method(name):
        raise MethodNotAllowed(f"GET {request.path[:200]} is not possible. Use POST.")
    return get_gemini_model(name)


def generate(model: str) -> ResponseReturnValue:
    """Answer POST …/models/<model>:generateContent."""
    question = parse_request(json_body(), model)
    if question.picture:
        (picture,) = _painting(question.picture).all()
        return question.ignored.put_header(json_response(picture_object(picture, model)))
    encoder = GeminiEncoder(shows_thoughts=question.shows_thoughts, is_bare=question.is_bare)
    return question.ignored.put_header(respond(Alone(), question.chat, encoder))


def stream(model: str) -> ResponseReturnValue:
    """Answer POST …/models/<model>:streamGenerateContent: events with `alt=sse`, else one array."""
    question = parse_request(json_body(), model, streamed=True)
    as_array = request.args.get("alt") != "sse"
    encoder = GeminiEncoder(shows_thoughts=question.shows_thoughts, as_array=as_array, is_bare=question.is_bare)
    answer = _paint(question.picture, model, encoder) if question.picture else respond(Alone(), question.chat, encoder)
    response = question.ignored.put_header(answer)
    if as_array:
        response.mimetype = "application/json"
    return response


def _painting(wish: PictureWish) -> Painting:
    return Painting(replace(wish, client=client_name()))


def _paint(wish: PictureWish, model: str, encoder: GeminiEncoder) -> Response:
    """Return a stream with one picture."""
    pieces = (
        encoder.alone(picture_object(picture, model)) if picture else encoder.keep_alive
        for picture in _painting(wish).one_by_one()
    )

    def failure(error: ProxyError) -> bytes:
        told = encoder.failure(error)
        return told if isinstance(told, bytes) else b"".join(told)

    return event_stream(until_failure(pieces, failure))


def count(model: str) -> ResponseReturnValue:
    """Answer POST …/models/<model>:countTokens; the site is not asked."""
    question = parse_count(json_body(), model)
    tokens = question_tokens(question.chat)
    details = [{"modality": "TEXT", "tokenCount": tokens}]
    response = json_response({"totalTokens": tokens, "promptTokensDetails": details})
    return question.ignored.put_header(response)
