"""Errors as answers: the two JSON forms of contract section 4.3, chosen by the route."""

from __future__ import annotations

import logging
import math
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from qwenproxy.errors import (
    InternalError,
    InvalidJson,
    MethodNotAllowed,
    NotFound,
    ProxyError,
    RequestError,
    StorageError,
    TooLarge,
    UnsupportedMediaType,
)

log = logging.getLogger(__name__)

OPENAI_ROUTES = ("/v1/", "/api/v1/", "/api/chat/completions", "/api/models")


def json_response(value: Any, status: int = 200) -> Response:
    """Return compact, unescaped UTF-8 JSON (contract section 4)."""
    return Response(orjson.dumps(value), status, mimetype="application/json")


def openai_error(error: ProxyError) -> dict[str, Any]:
    """Return OpenAI's error object."""
    return {"error": {"message": error.client_message, "type": error.type, "param": error.param, "code": error.code}}


def native_error(error: ProxyError) -> dict[str, Any]:
    """Return the native routes' error object, with the id of the chat it was about where one exists."""
    body = {"error": error.client_message, "code": error.code}
    return {**body, "chatId": error.chat_id} if error.chat_id else body


def error_response(error: ProxyError) -> Response:
    """Return the answer for an error raised before the first byte, in the form of the route asked for."""
    if isinstance(error, StorageError):
        log.error("%s", error.message)
    body = openai_error(error) if request.path.startswith(OPENAI_ROUTES) else native_error(error)
    response = json_response(body, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def register_errors(app: Flask) -> None:
    """Answer every error of this app in the product's own forms."""
    app.register_error_handler(ProxyError, error_response)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _http_error(error: HTTPException) -> Response:
    path = f"{request.method} {request.path[:200]}"
    if error.code == 404:
        return error_response(NotFound(f"There is no {path}; GET /openapi.json lists the routes."))
    if error.code == 405:
        response = error_response(MethodNotAllowed(f"{path} is not possible; try another method."))
        response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
        return response
    if error.code == 413:
        return error_response(_too_large())
    if error.code == 415:
        return error_response(UnsupportedMediaType("Send the body with Content-Type: application/json."))
    return error_response(RequestError(f"The request cannot be read ({error.name})."))


def _too_large() -> TooLarge:
    return TooLarge("The request body is over the limit (QWENPROXY_MAX_BODY).")


def unforeseen(error: Exception) -> ProxyError:
    """Note an error that nobody raised on purpose, and return what the client is told."""
    # Only the place and the kind: its text may quote what a user wrote.
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
    log.error("unexpected %s at %s", type(error).__name__, where)
    return InternalError("qwenproxy failed in an unforeseen way; its log names the place. Please report it.")


def _unexpected(error: Exception) -> Response:
    return error_response(unforeseen(error))


def json_body() -> dict[str, Any]:
    """Return the request's JSON object. Raises InvalidJson, UnsupportedMediaType, TooLarge."""
    if not request.is_json:
        raise UnsupportedMediaType("Send the body with Content-Type: application/json.")
    data = request.get_data(cache=False)
    if request.content_length is None and len(data) >= (request.max_content_length or math.inf):
        # Of a body in chunks Werkzeug hands on what is below the limit, and keeps silent about the rest.
        raise _too_large()
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"The body is not valid JSON: {error.msg} at position {error.pos}.") from None
    if not isinstance(body, dict):
        raise InvalidJson("The body must be a JSON object.")
    return body
