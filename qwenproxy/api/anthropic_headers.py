"""The headers by which Anthropic's clients are known, and find a request again. Knows the current request, no route."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request

from qwenproxy.observe.logs import request_id

VERSION = "anthropic-version"
# Their routes have one address in several APIs, or none at all.
_SHARED_ROUTES = (None, "models")


def wants_anthropic() -> bool:
    """Tell whether the client of this request reads Anthropic's form, although the address does not say so."""
    return VERSION in request.headers and request.blueprint in _SHARED_ROUTES


def anthropic_id() -> str:
    """Return the id of the current request as Anthropic writes it."""
    return f"req_{request_id.get()}"


def id_headers() -> Mapping[str, str]:
    """Return the header that names the current request: the log has its id, too."""
    return {"request-id": anthropic_id()}


def with_request_id(response: Response) -> Response:
    """Put that header on an answer; return the answer."""
    response.headers.update(id_headers())
    return response
