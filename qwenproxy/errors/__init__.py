"""All errors that qwenproxy raises on purpose, as one tree.

    ProxyError
    ├── RequestError            the client must change its request                  400 invalid_request
    │   ├── InvalidJson         400 invalid_json        ├── ForbiddenHost           403 forbidden_host
    │   ├── UnsupportedParameter 400                    ├── NotFound                404 not_found
    │   ├── ContentFilter       400 content_filter      │   ├── ModelNotFound       404 model_not_found
    │   ├── InvalidApiKey       401 invalid_api_key     │   ├── ChatNotFound        404 chat_not_found
    │   ├── MethodNotAllowed    405                     │   └── UnsupportedEndpoint 404 unsupported_endpoint
    │   ├── TooLarge, UnsupportedMediaType   413, 415
    │   ├── PreviousResponseNotFound         400 previous_response_not_found
    │   ├── SocketTooOld                     400 websocket_connection_limit_reached
    │   ├── UpgradeRequired     426 upgrade_required: the route has no WebSocket
    │   ├── ModelsReadOnly      403 models_read_only: the site's models cannot be changed
    │   ├── ContextLengthExceeded            400 context_length_exceeded
    │   └── InputRejected       400: the site names no part of the input; maybe the model must think
    ├── Refusal                 the site refuses this account; the relay tries the next one
    │   ├── RateLimited         429 rate_limited: the account rests
    │   ├── NotLoggedIn         503 no_accounts: the account needs its person
    │   ├── LoginUnrenewed      502 upstream_error: the page did not renew the login; the account rests briefly
    │   ├── VerificationRequired 503 verification_required: the site asks for a human
    │   ├── FileElsewhere       400 invalid_request: the request names a file of another account
    │   └── VoiceElsewhere      400 invalid_request: the request names a voice that is not the account's
    ├── Transient               a passing failure; the relay tries again            502 upstream_error
    │   ├── ChatBusy  ChatGone  EmptyAnswer  SiteFailure  NetworkFailed
    │   │              └── ParentGone  the chat is there, and takes no question under that answer
    │   └── TabLost             the tab, its page or its browser ended
    ├── UpstreamError           the site failed; another try does not help          502 upstream_error
    │   ├── BareRefusal         refused without a reason: the page's cookies may be too old
    │   ├── ProtocolChanged     502 protocol_changed
    │   ├── NoPicture  NoFilm   the site painted nothing, or made no film
    │   ├── SearchesExhausted   the model says nothing but that it wants to search the web
    │   ├── StructuredOutputFailed 502 structured_output_failed: the answer is not the document asked for
    │   ├── ToolChoiceUnsatisfied 502 tool_choice_unsatisfied: the model does not make the call that is demanded
    │   └── UpstreamTimeout     504 upstream_timeout
    ├── Unavailable             no account can take the request
    │   ├── NoAccounts          503 no_accounts
    │   ├── AccountsResting     429 rate_limited
    │   └── QueueTimeout        429 queue_timeout
    ├── ClientGone              the client closed its connection                    499
    ├── InternalError           a bug of qwenproxy                                  500 internal_error
    └── SetupError              503 setup_error; at the terminal exit status 1
        ├── StorageError        503 storage_error: the disk is full, read-only, or in use by another qwenproxy
        ├── BrowserError        503 browser_error: a browser does not start; the account rests for a short time
        ├── SharedBrowserError  503 browser_error: the browser that accounts share does not start; no account rests
        ├── GridError           503 browser_error: the Selenium Grid opens no browser; no account rests
        │   └── GridFull        all its slots are taken
        ├── ConfigError         exit status 2
        └── NoUsableAccount     exit status 3

Each class has an HTTP status, a stable code and an OpenAI error type (contract 4.3). Its message is for a person and
names the next step. Stands below everything but the catalogue of texts.
"""

from __future__ import annotations

from qwenproxy.errors.base import ProxyError
from qwenproxy.errors.own import (
    AccountsResting,
    BrowserError,
    ClientGone,
    ConfigError,
    GridError,
    GridFull,
    InternalError,
    NoAccounts,
    NoUsableAccount,
    QueueTimeout,
    SetupError,
    SharedBrowserError,
    StorageError,
    Unavailable,
)
from qwenproxy.errors.request import (
    ChatNotFound,
    ContentFilter,
    ContextLengthExceeded,
    ForbiddenHost,
    InputRejected,
    InvalidApiKey,
    InvalidJson,
    MethodNotAllowed,
    ModelNotFound,
    ModelsReadOnly,
    NotFound,
    PreviousResponseNotFound,
    RequestError,
    SocketTooOld,
    TooLarge,
    UnsupportedEndpoint,
    UnsupportedMediaType,
    UnsupportedParameter,
    UpgradeRequired,
)
from qwenproxy.errors.site import (
    BareRefusal,
    ChatBusy,
    ChatGone,
    EmptyAnswer,
    FileElsewhere,
    LoginUnrenewed,
    NetworkFailed,
    NoFilm,
    NoPicture,
    NotLoggedIn,
    ParentGone,
    ProtocolChanged,
    RateLimited,
    Refusal,
    SearchesExhausted,
    SiteFailure,
    StructuredOutputFailed,
    TabLost,
    ToolChoiceUnsatisfied,
    Transient,
    UpstreamError,
    UpstreamTimeout,
    VerificationRequired,
    VoiceElsewhere,
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
    "ContextLengthExceeded",
    "EmptyAnswer",
    "FileElsewhere",
    "ForbiddenHost",
    "GridError",
    "GridFull",
    "InputRejected",
    "InternalError",
    "InvalidApiKey",
    "InvalidJson",
    "LoginUnrenewed",
    "MethodNotAllowed",
    "ModelNotFound",
    "ModelsReadOnly",
    "NetworkFailed",
    "NoAccounts",
    "NoFilm",
    "NoPicture",
    "NoUsableAccount",
    "NotFound",
    "NotLoggedIn",
    "ParentGone",
    "PreviousResponseNotFound",
    "ProtocolChanged",
    "ProxyError",
    "QueueTimeout",
    "RateLimited",
    "Refusal",
    "RequestError",
    "SearchesExhausted",
    "SetupError",
    "SharedBrowserError",
    "SiteFailure",
    "SocketTooOld",
    "StorageError",
    "StructuredOutputFailed",
    "TabLost",
    "TooLarge",
    "ToolChoiceUnsatisfied",
    "Transient",
    "Unavailable",
    "UnsupportedEndpoint",
    "UnsupportedMediaType",
    "UnsupportedParameter",
    "UpgradeRequired",
    "UpstreamError",
    "UpstreamTimeout",
    "VerificationRequired",
    "VoiceElsewhere",
]
