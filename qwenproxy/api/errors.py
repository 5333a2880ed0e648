"""Turn errors into answers, in the form of the request's wire API (contract 4.3)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, cast

import orjson
from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from qwenproxy.api.bodies import body_too_large
from qwenproxy.api.waits import wait_headers
from qwenproxy.api.wire import WireApi
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

log = logging.getLogger(__name__)

WIRE_APIS = "qwenproxy.wire_apis"


def json_response(value: Any, status: int = 200) -> Response:
    """Return compact, unescaped UTF-8 JSON (contract 4)."""
    return Response(orjson.dumps(value), status, mimetype="application/json")


def error_response(error: ProxyError) -> Response:
    """Return the answer for an error before the first byte, in the form of the request's wire API."""
    if isinstance(error, StorageError):
        log.error("%s", error.message)
    g.error_code = error.code
    wire_api = _wire_api()
    response = json_response(wire_api.error(error), error.status)
    response.headers.update({**wait_headers(error), **wire_api.error_headers()})
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.status == 426:
        response.headers["Upgrade"] = "websocket"
    if error.status == 415:
        response.headers["Accept-Encoding"] = "gzip, deflate"
    return response


def register_errors(app: Flask, wire_apis: Sequence[WireApi]) -> None:
    """Answer errors in the form of a wire API: that of the route, or the one whose addresses fit the path best."""
    app.extensions[WIRE_APIS] = tuple(wire_apis)
    app.register_error_handler(ProxyError, error_response)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _other_error)


def _wire_api() -> WireApi:
    """Return the wire API that claims the request, or that of its route, or of its path if there is no route."""
    wire_apis = cast("tuple[WireApi, ...]", current_app.extensions[WIRE_APIS])
    if claiming := next((wire_api for wire_api in wire_apis if wire_api.claims()), None):
        return claiming
    by_address = _wire_api_by_address(wire_apis)
    if request.blueprint is None and by_address.unoffered(request.path):
        return by_address
    blueprint = request.blueprint or _blueprint_by_another_method()
    for wire_api in wire_apis:
        if blueprint in [routes.name for routes in wire_api.routes]:
            return wire_api
    return by_address


def _wire_api_by_address(wire_apis: Sequence[WireApi]) -> WireApi:
    """Return the wire API of a path: the longest match counts, of equal ones that of the last wire API."""
    matches = [(wire_api.addresses.match(request.path), wire_api) for wire_api in reversed(wire_apis)]
    return max(((match.end(), wire_api) for match, wire_api in matches if match), key=lambda each: each[0])[1]


def _blueprint_by_another_method() -> str | None:
    """Return the blueprint of the route that takes this path with another method, None if there is none."""
    adapter = current_app.create_url_adapter(request)
    methods = list(adapter.allowed_methods()) if adapter else []
    if not adapter or not methods:
        return None
    try:
        endpoint, _ = adapter.match(method=methods[0])
    except HTTPException:  # a WebSocket is asked for where none is, or the other way round
        return None
    return str(endpoint).rpartition(".")[0] or None


def _http_error(error: HTTPException) -> Response:
    path = f"{request.method} {request.path[:200]}"
    if error.code in (404, 405) and (refusal := _wire_api().refusal(request.path)):
        return error_response(refusal)
    if error.code == 404 or (error.code == 405 and _wire_api().unoffered(request.path)):
        return error_response(_no_such_route(path))
    if error.code == 405:
        response = error_response(
            MethodNotAllowed(f"{path} is not possible. Use another method; GET /openapi.json lists the routes.")
        )
        response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
        return response
    if error.code == 413:
        return error_response(body_too_large())
    if error.code == 415:
        return error_response(UnsupportedMediaType("Send the body with Content-Type: application/json."))
    if error.code is None or error.code >= 500:
        return error_response(as_internal_error(error))
    return error_response(RequestError(f"The request is not valid HTTP ({error.name})."))


def _no_such_route(path: str) -> NotFound:
    if topic := _wire_api().unoffered(request.path):
        return UnsupportedEndpoint(f"There is no {path}: the Qwen chat site offers no {topic}. Use another provider.")
    return NotFound(f"There is no {path}. GET /openapi.json lists the routes.")


def as_internal_error(error: Exception) -> ProxyError:
    """Log an unforeseen error, and return the error for the client."""
    # Log only place and kind: the text of an error may quote a user.
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
    log.error("unexpected %s at %s", type(error).__name__, where)
    return InternalError("qwenproxy has a bug: its log names the place. Please report it.")


def _other_error(error: Exception) -> Response:
    return error_response(as_internal_error(error))
