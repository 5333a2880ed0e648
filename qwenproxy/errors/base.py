"""The base class of all errors that qwenproxy raises on purpose."""

from __future__ import annotations


class ProxyError(Exception):
    """Base of all errors raised on purpose.

    `client_message` is the message for API clients, `param` the request field that causes the error, `retry_after` the
    seconds until another try makes sense, `chat_id` the id of the kept chat.
    """

    status = 502
    code = "upstream_error"
    type = "api_error"

    def __init__(self, message: str, *, param: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.client_message = message
        self.param = param
        self.retry_after = retry_after
        self.chat_id: str | None = None

    def say(self, lang: str) -> str:
        """Return the message in `lang`, en or ru; in English where there is no Russian text."""
        return self.message
