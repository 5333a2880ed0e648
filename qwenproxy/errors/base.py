"""What all errors that qwenproxy raises on purpose have in common."""

from __future__ import annotations


class ProxyError(Exception):
    """Base of all errors raised on purpose.

    `client_message` is what clients are told, `param` names the request field at fault, `retry_after` is in seconds,
    `chat_id` is the kept chat it was about.
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
        """Return the message in `lang`, en or ru, as far as it is told in both."""
        return self.message
