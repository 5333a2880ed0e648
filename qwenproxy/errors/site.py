"""What the site does not do: it refuses an account, fails in passing, or fails for good."""

from __future__ import annotations

from qwenproxy.errors.base import ProxyError


class Refusal(ProxyError):
    """The site refused this account; the same request may succeed on the next one."""


class RateLimited(Refusal):
    """The account is over a limit.

    `hours` is the site's own figure, None where it gave none; `for_today` whether it said that the day's share is used
    up. `kind` names the one kind of work that is limited, such as `upload`; None where the account is.
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
    """The account's login is missing or has expired."""

    status = 503
    code = "no_accounts"


class LoginUnrenewed(Refusal):
    """The login was refused and the page did not renew it, but did not go to sign-in either: it may do so later."""


class VerificationRequired(Refusal):
    """The site shows a human-verification page to this account."""

    status = 503
    code = "verification_required"


class FileElsewhere(Refusal):
    """The request names a file that only another account has, and its bytes are no longer at hand."""

    status = 400
    code = "invalid_request"
    type = "invalid_request_error"


class Transient(ProxyError):
    """A passing failure before the first byte: tried again unseen, on the same account and then on another."""


class ChatBusy(Transient):
    """The site still generates for this chat or account."""


class ChatGone(Transient):
    """The upstream chat or the parent message does not exist (any more): start a new chat."""


class EmptyAnswer(Transient):
    """The site answered success with nothing in it."""


class SiteFailure(Transient):
    """The site reported a failure of its own (5xx, internal_error)."""


class NetworkFailed(Transient):
    """The page's fetch could not reach the site, or the connection broke."""


class TabLost(Transient):
    """The tab, its page, its driver or its browser went away under the call."""


class UpstreamError(ProxyError):
    """The site failed in a way that another try does not mend."""


class BareRefusal(UpstreamError):
    """The site refused without naming a fault: the page's cookies may have run out, which a reload mends."""


class ProtocolChanged(UpstreamError):
    """The site answered in a form this version does not know."""

    code = "protocol_changed"


class UpstreamTimeout(UpstreamError):
    """The site was silent for longer than STALL_TIMEOUT."""

    status = 504
    code = "upstream_timeout"
