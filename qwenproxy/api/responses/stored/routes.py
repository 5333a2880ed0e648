"""The routes of stored responses: read one, its stream, its input; cancel it, delete it (contract 4.5)."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.answering import event_stream
from qwenproxy.api.auth import client_name
from qwenproxy.api.errors import json_response
from qwenproxy.api.responses.stored.answers import background, follow
from qwenproxy.api.responses.stored.events import unpacked
from qwenproxy.api.responses.stored.pages import page_object, read_wish
from qwenproxy.api.wiring import stored
from qwenproxy.errors import RequestError
from qwenproxy.history.stored.responses import INTERRUPTED, UNFINISHED


def blueprint() -> Blueprint:
    """Return the routes."""
    routes = Blueprint("stored_responses", __name__)
    for prefix in PREFIXES:
        one = f"{prefix}/responses/<response_id>"
        routes.add_url_rule(one, view_func=show, methods=["GET"])
        routes.add_url_rule(one, view_func=delete, methods=["DELETE"])
        routes.add_url_rule(f"{one}/cancel", view_func=cancel, methods=["POST"])
        routes.add_url_rule(f"{one}/input_items", view_func=list_inputs, methods=["GET"])
    return routes


def show(response_id: str) -> ResponseReturnValue:
    """Answer GET …/responses/{id}: the response, or with `stream=true` its events after `starting_after`."""
    if request.args.get("stream", "").lower() in ("true", "1"):
        return _stream(response_id)
    return json_response(_response(response_id))


def delete(response_id: str) -> ResponseReturnValue:
    """Answer DELETE …/responses/{id}."""
    if job := background().find(response_id, client_name()):
        job.cancel()
    stored().responses.delete(response_id, client_name())
    return json_response({"id": response_id, "object": "response", "deleted": True})


def cancel(response_id: str) -> ResponseReturnValue:
    """Answer POST …/responses/{id}/cancel."""
    if job := background().find(response_id, client_name()):
        job.cancel()
    response = _response(response_id)
    if not response.get("background"):
        raise RequestError("Only a response in the background can be cancelled. To stop another one, hang up.")
    return json_response(response)


def list_inputs(response_id: str) -> ResponseReturnValue:
    """Answer GET …/responses/{id}/input_items."""
    return json_response(page_object(stored().responses.inputs(response_id, client_name(), read_wish(request.args))))


def _response(response_id: str) -> dict[str, Any]:
    """Return a stored response. One that nobody works on has failed, even if the disk could not take that in."""
    job = background().find(response_id, client_name())
    response = stored().responses.get(response_id, client_name())
    if job is None and response["status"] in UNFINISHED:
        return {**response, "status": "failed", "error": INTERRUPTED}
    return response


def _stream(response_id: str) -> ResponseReturnValue:
    number = _first_number(request.args.get("starting_after"))
    if job := background().find(response_id, client_name()):
        return follow(job, number)
    response, data = _response(response_id), stored().responses.events(response_id, client_name())
    if data is None:
        reason = "was not made with background: true" if not response.get("background") else "has lost its stream"
        raise RequestError(f"This response {reason}, so it cannot be streamed again. Leave stream out.", param="stream")
    return event_stream(unpacked(data, number))


def _first_number(text: str | None) -> int:
    if text is None:
        return 0
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise RequestError("starting_after must be the sequence_number of an event.", param="starting_after")
    return int(text) + 1
