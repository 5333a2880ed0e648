"""Every error qwenproxy raises on purpose, as one tree.

    ProxyError
    ├── RequestError            the client's input is at fault                      400 invalid_request
    │   ├── InvalidJson         400 invalid_json        ├── ForbiddenHost           403 forbidden_host
    │   ├── UnsupportedParameter 400                    ├── NotFound                404 not_found
    │   ├── ContentFilter       400 content_filter      │   ├── ModelNotFound       404 model_not_found
    │   ├── InvalidApiKey       401 invalid_api_key     │   ├── ChatNotFound        404 chat_not_found
    │   ├── MethodNotAllowed    405                     │   └── UnsupportedEndpoint 404 unsupported_endpoint
    │   └── TooLarge, UnsupportedMediaType   413, 415
    ├── Refusal                 this account may not now, another one may: the relay moves on
    │   ├── RateLimited         429 rate_limited: the account rests
    │   ├── NotLoggedIn         503 no_accounts: the account needs its person
    │   ├── VerificationRequired 503 verification_required: the site wants to see a human
    │   └── FileElsewhere       400 invalid_request: the question names a file of another account
    ├── Transient               worth another try before the client hears of it     502 upstream_error
    │   ├── ChatBusy  ChatGone  EmptyAnswer  SiteFailure  NetworkFailed
    │   └── TabLost             the tab, its page or its browser went away
    ├── UpstreamError           the site failed for good                            502 upstream_error
    │   ├── BareRefusal         refused without naming a fault: the page may have aged
    │   ├── ProtocolChanged     502 protocol_changed
    │   └── UpstreamTimeout     504 upstream_timeout
    ├── Unavailable             no account can take the request
    │   ├── NoAccounts          503 no_accounts
    │   ├── AccountsResting     429 rate_limited
    │   └── QueueTimeout        429 queue_timeout
    ├── ClientGone              the client hung up: nobody reads the answer         499
    ├── InternalError           a bug of our own                                    500 internal_error
    └── SetupError              503 setup_error; at the terminal exit status 1
        ├── StorageError        503 storage_error: the disk is full, read-only, or in use by another qwenproxy
        ├── BrowserError        503 browser_error: a browser does not start; the account rests for a short time
        ├── ConfigError         exit status 2
        └── NoUsableAccount     exit status 3

Each class knows its HTTP status, stable code and OpenAI error type (contract section 4.3); the message is for a person
and names the next step. Stands below everything but the catalogue of texts.
"""

from __future__ import annotations

from qwenproxy.texts import Phrase


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


class Unavailable(ProxyError):
    """No account can take the request now."""

    status = 503


class NoAccounts(Unavailable):
    """There is no account, or every one is INVALID."""

    code = "no_accounts"


class AccountsResting(Unavailable):
    """Every account is in WAIT; `retry_after` tells when the first one is back."""

    status = 429
    code = "rate_limited"
    type = "rate_limit_error"


class QueueTimeout(Unavailable):
    """No account came free within QUEUE_WAIT."""

    status = 429
    code = "queue_timeout"
    type = "rate_limit_error"


class ClientGone(ProxyError):
    """The client closed its connection; the work for it stops."""

    status = 499
    code = "client_gone"


class InternalError(ProxyError):
    """The product itself failed in a way that nobody foresaw."""

    status = 500
    code = "internal_error"


class SetupError(ProxyError):
    """Something about this machine or its files keeps a command from working."""

    status = 503
    code = "setup_error"
    exit_code = 1

    def __init__(self, words: Phrase | str) -> None:
        """`words` that are no phrase stand in one language for all."""
        super().__init__(str(words))
        self._words = words
        if isinstance(words, Phrase):
            self.client_message = words.without_folders()  # where things are on this machine is not for them

    def say(self, lang: str) -> str:
        return self._words.say(lang) if isinstance(self._words, Phrase) else self._words


class StorageError(SetupError):
    """The session folder cannot be read or written as it should."""

    status = 503
    code = "storage_error"


class BrowserError(SetupError):
    """A browser or its driver does not start; the message is the driver's own sentence with its cure."""

    code = "browser_error"


class ConfigError(SetupError):
    """A setting is unknown or cannot be read."""

    exit_code = 2


class NoUsableAccount(SetupError):
    """No account is usable, and the command needs one."""

    exit_code = 3
