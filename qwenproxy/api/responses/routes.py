"""The routes of the Responses API: a response, the tokens of an input, a compacted conversation.

They parse the request and choose the encoder; answering.py does the rest.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.answering import respond
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.responses import compaction
from qwenproxy.api.responses.encoder import ResponseEncoder
from qwenproxy.api.responses.items import normalised
from qwenproxy.api.responses.stored.answers import answer, asker
from qwenproxy.api.responses.stored.continuing import ask
from qwenproxy.api.responses.stored.socket import unavailable
from qwenproxy.chat.token_counts import question_tokens
from qwenproxy.errors import RequestError
from qwenproxy.history.conversations import Alone


def blueprint() -> Blueprint:
    """Return the routes."""
    routes = Blueprint("responses", __name__)
    for prefix in PREFIXES:
        root = f"{prefix}/responses"
        routes.add_url_rule(root, view_func=create, methods=["POST"])
        routes.add_url_rule(root, view_func=refuse_socket, methods=["GET"])
        routes.add_url_rule(f"{root}/input_tokens", view_func=count, methods=["POST"])
        routes.add_url_rule(f"{root}/compact", view_func=compact, methods=["POST"])
    return routes


def create() -> ResponseReturnValue:
    """Answer POST …/responses."""
    return answer(json_body())


def count() -> ResponseReturnValue:
    """Answer POST …/responses/input_tokens."""
    with ExitStack() as waiting:
        request = ask(json_body(), asker(), waiting).request
    counts = {"object": "response.input_tokens", "input_tokens": question_tokens(request.chat)}
    return request.ignored.put_header(json_response(counts))


def compact() -> ResponseReturnValue:
    """Answer POST …/responses/compact: the newest messages, and an item that stands for all that came before."""
    body = json_body()
    if not body.get("model"):
        raise RequestError("model is missing.", param="model")
    items = normalised(body.get("input") or [], asker().item)
    with ExitStack() as waiting:
        asked = ask({**body, "stream": False, "input": [*items, compaction.TRIGGER]}, asker(), waiting)
    form = partial(compaction.compacted, items=[*asked.earlier, *items])
    encoder = ResponseEncoder(asked.request, form=form)
    return asked.request.ignored.put_header(respond(Alone(), asked.request.chat, encoder))


def refuse_socket() -> ResponseReturnValue:
    """Answer GET …/responses: programs that wanted a WebSocket then go on with POST at once."""
    raise unavailable()
