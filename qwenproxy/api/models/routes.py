"""The routes of the models, under every prefix of OpenAI's API. The request's header decides the form of the answer."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.anthropic_headers import wants_anthropic, with_request_id
from qwenproxy.api.errors import json_response
from qwenproxy.api.models import anthropic_form, openai_form
from qwenproxy.api.models.gemini_routes import get_gemini_model, list_gemini_models, wants_gemini
from qwenproxy.api.wiring import relay
from qwenproxy.errors import RequestError
from qwenproxy.wsgi.client import client_gone_check

MOST_OF_A_PAGE = 1000


def blueprint() -> Blueprint:
    """Return the routes of the models."""
    routes = Blueprint("models", __name__)
    for prefix in PREFIXES:
        routes.add_url_rule(f"{prefix}/models", view_func=list_models)
        routes.add_url_rule(f"{prefix}/models/<path:name>", view_func=get_model)
    return routes


def list_models() -> ResponseReturnValue:
    """Answer GET …/models: the site's live models and the documented names."""
    if wants_gemini():
        return list_gemini_models()
    page = _page() if wants_anthropic() else None
    rows = relay().model_list(client_gone_check(request.environ)).listing()
    if page is not None:
        return with_request_id(json_response(anthropic_form.model_list(rows, page)))
    return json_response(openai_form.model_list(rows, for_codex="client_version" in request.args))


def get_model(name: str) -> ResponseReturnValue:
    """Answer GET …/models/<id> for every name that a request may use; the object has the name of the request."""
    if wants_gemini():
        return get_gemini_model(name)
    model = relay().model_list(client_gone_check(request.environ)).describe(name).model
    if wants_anthropic():
        return with_request_id(json_response(anthropic_form.model_object(name, model)))
    return json_response(openai_form.model_object(name, model))


def _page() -> anthropic_form.Page:
    """Return the page that the query asks for. Raises RequestError."""
    text = request.args.get("limit")
    if text is not None and not (text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= MOST_OF_A_PAGE):
        raise RequestError(f"limit must be a whole number from 1 to {MOST_OF_A_PAGE}.", param="limit")
    limit = None if text is None else int(text[:5])
    return anthropic_form.Page(limit, request.args.get("after_id"), request.args.get("before_id"))
