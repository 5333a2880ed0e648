"""Errors on the site's side: it refuses an account, fails for a moment, or fails for good."""

from __future__ import annotations

from qwenproxy.errors.base import ProxyError


class Refusal(ProxyError):
    """The site refused this account; the same request may succeed on another one."""


class RateLimited(Refusal):
    """The account has reached a limit.

    `hours` is how long the site says it lasts, None where it does not say; `for_today` is True when the site says that
    today's quota is used up. `kind` is the limited kind of work, such as `upload`; None for a limit of the account.
    """

    status = 429
    code = "rate_limited"
    type = "rate_limit_error"

    def __init__(self, message: str, *, hours: float | None = None, for_today: bool = False) -> None:
        super().__init__(message)
        self.hours = hours
        self.for_today = for_today
        self.kind: str | None = None


class NotLoggedIn(Refusal):
    """The account has no login, or it has expired."""

    status = 503
    code = "no_accounts"


class LoginUnrenewed(Refusal):
    """The site refused the login, and the page neither renewed it nor went to sign-in: it may renew it later."""


class VerificationRequired(Refusal):
    """The site asks this account for its human check."""

    status = 503
    code = "verification_required"


class FileElsewhere(Refusal):
    """The request names a file of another account, and we no longer have its bytes to upload it again."""

    status = 400
    code = "invalid_request"
    type = "invalid_request_error"


class VoiceElsewhere(Refusal):
    """The request names a voice that is not the account's."""

    status = 400
    code = "invalid_request"
    type = "invalid_request_error"


class Transient(ProxyError):
    """A passing failure before the first byte: the relay tries again on the same account, then on another."""


class ChatBusy(Transient):
    """The site is still answering in this chat or for this account."""


class ChatGone(Transient):
    """The upstream chat or its parent message does not exist: start a new chat."""


class ParentGone(ChatGone):
    """The upstream chat takes no question under this parent message: start a new chat."""


class EmptyAnswer(Transient):
    """The site reported success, but the answer is empty."""


class SiteFailure(Transient):
    """The site reported its own failure (5xx, internal_error)."""


class NetworkFailed(Transient):
    """The page could not reach the site, or the connection broke."""


class TabLost(Transient):
    """The tab, its page, its driver or its browser ended during the call."""


class UpstreamError(ProxyError):
    """The site failed, and another try does not help."""


class BareRefusal(UpstreamError):
    """The site refused without a reason; if the page's cookies have expired, a reload helps."""


class ProtocolChanged(UpstreamError):
    """This version does not know the form of the site's answer."""

    code = "protocol_changed"


class StructuredOutputFailed(UpstreamError):
    """The model's answer is not the document that the request asks for."""

    code = "structured_output_failed"

    def __init__(self, problem: str) -> None:
        """`problem` says why: `it is not JSON`. It may quote the answer, so only the client reads it."""
        super().__init__("The model's answer does not have the form that the request asks for.")
        self.client_message = f"{self.message.removesuffix('.')}: {problem}. Ask again, or make the schema simpler."


class ToolChoiceUnsatisfied(UpstreamError):
    """The model does not make the call that the request demands, not even when it is asked once more."""

    code = "tool_choice_unsatisfied"


class NoPicture(UpstreamError):
    """The site ended its answer to the wish for a picture without one."""


class NoFilm(UpstreamError):
    """The site made no film, or nobody here waits for it any more."""

    def __init__(self, reason: str) -> None:
        """`reason` may hold words of the site, which may quote the request, so only the client reads it."""
        super().__init__("There is no film.")
        self.client_message = f"{self.message} {reason}"


class SearchesExhausted(UpstreamError):
    """The model asks for more web searches than it may make, and says nothing else."""


class UpstreamTimeout(UpstreamError):
    """The site sent nothing for STALL_TIMEOUT."""

    status = 504
    code = "upstream_timeout"
