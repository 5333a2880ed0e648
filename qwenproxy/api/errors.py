"""Errors as answers: the two JSON forms of contract 4.3, chosen by the route."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from qwenproxy.api.bodies import body_too_large
from qwenproxy.api.waits import told_message, wait_headers
from qwenproxy.errors import (
    InternalError,
    MethodNotAllowed,
    NotFound,
    ProxyError,
    RequestError,
    StorageError,
    UnsupportedEndpoint,
    UnsupportedMediaType,
)
from qwenproxy.wsgi.paths import is_openai, unoffered

log = logging.getLogger(__name__)


def json_response(value: Any, status: int = 200) -> Response:
    """Return compact, unescaped UTF-8 JSON (contract 4)."""
    return Response(orjson.dumps(value), status, mimetype="application/json")


def openai_error(error: ProxyError) -> dict[str, Any]:
    """Return OpenAI's error object."""
    return {"error": {"message": told_message(error), "type": error.type, "param": error.param, "code": error.code}}


def native_error(error: ProxyError) -> dict[str, Any]:
    """Return the native routes' error object, with the id of the chat it was about where one exists."""
    body = {"error": told_message(error), "code": error.code}
    return {**body, "chatId": error.chat_id} if error.chat_id else body


def error_response(error: ProxyError) -> Response:
    """Return the answer for an error raised before the first byte, in the form of the route asked for."""
    if isinstance(error, StorageError):
        log.error("%s", error.message)
    body = openai_error(error) if is_openai(request.path) else native_error(error)
    response = json_response(body, error.status)
    response.headers.update(wait_headers(error))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.status == 415:
        response.headers["Accept-Encoding"] = "gzip, deflate"
    return response


def register_errors(app: Flask) -> None:
    """Answer every error of this app in the product's own forms."""
    app.register_error_handler(ProxyError, error_response)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _http_error(error: HTTPException) -> Response:
    path = f"{request.method} {request.path[:200]}"
    if error.code == 404:
        return error_response(_no_such_route(path))
    if error.code == 405:
        response = error_response(MethodNotAllowed(f"{path} is not possible; try another method."))
        response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
        return response
    if error.code == 413:
        return error_response(body_too_large())
    if error.code == 415:
        return error_response(UnsupportedMediaType("Send the body with Content-Type: application/json."))
    if error.code is None or error.code >= 500:
        return error_response(unforeseen(error))
    return error_response(RequestError(f"The request cannot be read ({error.name})."))


def _no_such_route(path: str) -> NotFound:
    if about := unoffered(request.path):
        return UnsupportedEndpoint(
            f"There is no {path}: the Qwen chat site offers no {about}, so this proxy has none. Ask another provider."
        )
    return NotFound(f"There is no {path}; GET /openapi.json lists the routes.")


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
