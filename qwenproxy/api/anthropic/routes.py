"""POST …/messages and …/messages/count_tokens: parse the request and choose the encoder; answering.py does the rest."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.answering import event_stream, respond
from qwenproxy.api.anthropic.encoder import MessageEncoder
from qwenproxy.api.anthropic.request import MessageRequest, parse_message_request, parse_question
from qwenproxy.api.anthropic_headers import with_request_id
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.chat.token_counts import question_tokens
from qwenproxy.history.conversations import Alone


def blueprint() -> Blueprint:
    """Return the routes."""
    routes = Blueprint("messages", __name__)
    for prefix in PREFIXES:
        routes.add_url_rule(f"{prefix}/messages", view_func=create_message, methods=["POST"])
        routes.add_url_rule(f"{prefix}/messages/count_tokens", view_func=count_tokens, methods=["POST"])
    routes.after_request(with_request_id)
    return routes


def create_message() -> ResponseReturnValue:
    """Answer POST …/messages."""
    message = parse_message_request(json_body())
    encoder = MessageEncoder(message.chat, message.thoughts)
    answer = _warmed_up(message, encoder) if message.only_warms_up else respond(Alone(), message.chat, encoder)
    return message.ignored.put_header(answer)


def count_tokens() -> ResponseReturnValue:
    """Answer POST …/messages/count_tokens. The site is not asked."""
    message = parse_question(json_body())
    return message.ignored.put_header(json_response({"input_tokens": question_tokens(message.chat)}))


def _warmed_up(message: MessageRequest, encoder: MessageEncoder) -> Response:
    """Answer a request that only fills a cache: there is none here, so that nothing has to be asked."""
    if message.chat.streamed:
        return event_stream(iter(encoder.empty_stream()))
    return json_response(encoder.empty())
