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
    │   ├── LoginUnrenewed      502 upstream_error: the page did not renew a login; the account rests a little
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

Each class knows its HTTP status, stable code and OpenAI error type (contract 4.3); the message is for a person
and names the next step. Stands below everything but the catalogue of texts.
"""

from __future__ import annotations

from qwenproxy.errors.base import (
    ProxyError,
)
from qwenproxy.errors.own import (
    AccountsResting,
    BrowserError,
    ClientGone,
    ConfigError,
    InternalError,
    NoAccounts,
    NoUsableAccount,
    QueueTimeout,
    SetupError,
    StorageError,
    Unavailable,
)
from qwenproxy.errors.request import (
    ChatNotFound,
    ContentFilter,
    ForbiddenHost,
    InvalidApiKey,
    InvalidJson,
    MethodNotAllowed,
    ModelNotFound,
    NotFound,
    RequestError,
    TooLarge,
    UnsupportedEndpoint,
    UnsupportedMediaType,
    UnsupportedParameter,
)
from qwenproxy.errors.site import (
    BareRefusal,
    ChatBusy,
    ChatGone,
    EmptyAnswer,
    FileElsewhere,
    LoginUnrenewed,
    NetworkFailed,
    NotLoggedIn,
    ProtocolChanged,
    RateLimited,
    Refusal,
    SiteFailure,
    TabLost,
    Transient,
    UpstreamError,
    UpstreamTimeout,
    VerificationRequired,
)

__all__ = [
    "AccountsResting",
    "BareRefusal",
    "BrowserError",
    "ChatBusy",
    "ChatGone",
    "ChatNotFound",
    "ClientGone",
    "ConfigError",
    "ContentFilter",
    "EmptyAnswer",
    "FileElsewhere",
    "ForbiddenHost",
    "InternalError",
    "InvalidApiKey",
    "InvalidJson",
    "LoginUnrenewed",
    "MethodNotAllowed",
    "ModelNotFound",
    "NetworkFailed",
    "NoAccounts",
    "NoUsableAccount",
    "NotFound",
    "NotLoggedIn",
    "ProtocolChanged",
    "ProxyError",
    "QueueTimeout",
    "RateLimited",
    "Refusal",
    "RequestError",
    "SetupError",
    "SiteFailure",
    "StorageError",
    "TabLost",
    "TooLarge",
    "Transient",
    "Unavailable",
    "UnsupportedEndpoint",
    "UnsupportedMediaType",
    "UnsupportedParameter",
    "UpstreamError",
    "UpstreamTimeout",
    "VerificationRequired",
]
