"""The views of the models in Gemini's form: below its own version, and for its requests also below OpenAI's."""

from __future__ import annotations

import re

from flask import request
from flask.typing import ResponseReturnValue

from qwenproxy.api.errors import json_response
from qwenproxy.api.models import gemini_form
from qwenproxy.api.wiring import relay
from qwenproxy.errors import RequestError
from qwenproxy.wsgi.client import client_gone_check

MOST_OF_A_PAGE = 1000

_MODELS = re.compile(r"/(?:v1|api/v1|api)/models(?=/|$)")  # below the prefixes of OpenAI's API


def wants_gemini() -> bool:
    """Tell whether a request for models carries its key as only Gemini's clients do."""
    # The path decides, because a request with another method has no route.
    return bool(_MODELS.match(request.path)) and ("x-goog-api-key" in request.headers or "key" in request.args)


def list_gemini_models() -> ResponseReturnValue:
    """Answer GET …/models in Gemini's form."""
    size, token = request.args.get("pageSize"), request.args.get("pageToken")
    limit, start = _number(size, "pageSize", 1), _number(token, "pageToken", 0)
    rows = relay().model_list(client_gone_check(request.environ)).listing()
    return json_response(gemini_form.model_list(rows, limit and min(limit, MOST_OF_A_PAGE), start or 0))


def get_gemini_model(name: str) -> ResponseReturnValue:
    """Answer GET …/models/<name> in Gemini's form, with or without `models/`. Raises ModelNotFound."""
    bare = name.removeprefix(gemini_form.COLLECTION)
    models = relay().model_list(client_gone_check(request.environ))
    return json_response(gemini_form.model_object(bare, models.describe(bare).model))


def _number(text: str | None, name: str, least: int) -> int | None:
    """Return a number of the query, None if it is missing. Raises RequestError."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text[:9]) < least:
        raise RequestError(f"{name} must be a whole number of at least {least}.", param=name)
    return int(text[:9])
