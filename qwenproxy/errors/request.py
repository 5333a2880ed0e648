"""Errors of the client: the request itself cannot be served, whichever account takes it."""

from __future__ import annotations

from qwenproxy.errors.base import ProxyError


class RequestError(ProxyError):
    """The request itself cannot be served, whichever account takes it."""

    status = 400
    code = "invalid_request"
    type = "invalid_request_error"


class InvalidJson(RequestError):
    """The body is not a JSON object."""

    code = "invalid_json"


class UnsupportedParameter(RequestError):
    """A parameter asks for what the site cannot give."""

    code = "unsupported_parameter"


class ContentFilter(RequestError):
    """The site refused the content; never retried."""

    code = "content_filter"


class InvalidApiKey(RequestError):
    """The client's key is missing or unknown."""

    status = 401
    code = "invalid_api_key"
    type = "authentication_error"


class ForbiddenHost(RequestError):
    """The Host header names another machine than this one."""

    status = 403
    code = "forbidden_host"
    type = "permission_error"


class NotFound(RequestError):
    """No such route or object."""

    status = 404
    code = "not_found"


class ModelNotFound(NotFound):
    """No such model."""

    code = "model_not_found"


class ChatNotFound(NotFound):
    """No such chat."""

    code = "chat_not_found"


class UnsupportedEndpoint(NotFound):
    """A route of a wire API that the product does not offer at all."""

    code = "unsupported_endpoint"


class MethodNotAllowed(RequestError):
    """The route exists, but not for this method."""

    status = 405
    code = "method_not_allowed"


class TooLarge(RequestError):
    """A body or a file is over its limit."""

    status = 413
    code = "file_too_large"


class UnsupportedMediaType(RequestError):
    """The body is of a type this route does not read."""

    status = 415
    code = "unsupported_media_type"
