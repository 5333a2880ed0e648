"""Errors of the client: no account can serve the request as it is."""

from __future__ import annotations

from qwenproxy.errors.base import ProxyError


class RequestError(ProxyError):
    """No account can serve the request as it is."""

    status = 400
    code = "invalid_request"
    type = "invalid_request_error"


class InvalidJson(RequestError):
    """The body is not a JSON object."""

    code = "invalid_json"


class UnsupportedParameter(RequestError):
    """A parameter asks for something that the site cannot do."""

    code = "unsupported_parameter"


class InputRejected(RequestError):
    """The site refused the form of the input and did not name a part; a model that must think does so, too."""


class ContextLengthExceeded(RequestError):
    """The question has `tokens`, which are more than the `maximum` that the model takes."""

    code = "context_length_exceeded"

    def __init__(self, tokens: int, maximum: int) -> None:
        super().__init__(
            f"This model's maximum context length is {maximum} tokens. However, your messages resulted in {tokens} "
            "tokens. Please reduce the length of the messages.",
            param="messages",
        )
        self.tokens = tokens
        self.maximum = maximum


class ContentFilter(RequestError):
    """The site refused the content; another try does not help."""

    code = "content_filter"


class InvalidApiKey(RequestError):
    """The client's key is missing or unknown."""

    status = 401
    code = "invalid_api_key"
    type = "authentication_error"


class ForbiddenHost(RequestError):
    """The Host header does not name this machine."""

    status = 403
    code = "forbidden_host"
    type = "permission_error"


class ModelsReadOnly(RequestError):
    """The request would change a model; the site's models cannot be changed."""

    status = 403
    code = "models_read_only"
    type = "permission_error"


class NotFound(RequestError):
    """There is no such route or object."""

    status = 404
    code = "not_found"


class ModelNotFound(NotFound):
    """There is no such model."""

    code = "model_not_found"


class ChatNotFound(NotFound):
    """There is no such chat."""

    code = "chat_not_found"


class PreviousResponseNotFound(RequestError):
    """The response to go on with is not kept."""

    code = "previous_response_not_found"

    def __init__(self, response_id: str) -> None:
        super().__init__(
            f"Previous response with id {response_id[:100]!r} not found. It may be too old, or was "
            "made with store: false. Send the whole conversation as input.",
            param="previous_response_id",
        )


class UnsupportedEndpoint(NotFound):
    """A known route of a wire API that qwenproxy does not offer."""

    code = "unsupported_endpoint"


class MethodNotAllowed(RequestError):
    """The route does not take this method."""

    status = 405
    code = "method_not_allowed"


class TooLarge(RequestError):
    """A body or a file is too large."""

    status = 413
    code = "file_too_large"


class UnsupportedMediaType(RequestError):
    """The route does not read a body of this type."""

    status = 415
    code = "unsupported_media_type"


class SocketTooOld(RequestError):
    """The WebSocket has been open for as long as one may be."""

    code = "websocket_connection_limit_reached"

    def __init__(self) -> None:
        super().__init__("This WebSocket has been open for 60 minutes, which is the limit. Open a new one.")


class UpgradeRequired(RequestError):
    """The route has no answer for this method; programs that want a WebSocket have to ask in another way."""

    status = 426
    code = "upgrade_required"
