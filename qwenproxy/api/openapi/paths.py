"""The routes of the API as OpenAPI path items (contract 4). Data only."""

from __future__ import annotations

from typing import Any

from qwenproxy.api.openapi.builders import Schema, ref

Item = dict[str, Any]

OPENAI_PREFIXES = ("/v1", "/api/v1", "/api")
STATUS_TEXTS = {
    400: "the request cannot be served",
    401: "the key is missing or unknown",
    403: "the Host or Origin header is foreign",
    404: "it does not exist",
    405: "the method is not possible here",
    413: "too large",
    415: "this route does not read this type",
    426: "a WebSocket is not possible here",
    429: "every account rests or is busy; Retry-After says how long",
    502: "the site failed",
    503: "no account can take the request, or the disk fails; the message names the next step",
    504: "the site was silent for too long",
}
ALWAYS = (401, 403, 405)
READS_BODY = (400, 413, 415)
USES_DISK = (503,)
ASKS_SITE = (429, 502, 503, 504)
CHAT_ID: Item = {"name": "chatId", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
ANTHROPIC_VERSION: Item = {"name": "anthropic-version", "in": "header", "schema": {"type": "string"}}
MODELS_QUERY: list[Item] = [
    ANTHROPIC_VERSION,
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
    *({"name": name, "in": "query", "schema": {"type": "string"}} for name in ("after_id", "before_id")),
    {"name": "client_version", "in": "query", "schema": {"type": "string"}},
]
MODEL: Item = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
IGNORED: Item = {
    "x-qwenproxy-ignored": {"description": "names of the parts without effect", "schema": {"type": "string"}}
}
ABOUT_ANSWERS: Item = {
    **IGNORED,
    "x-qwenproxy-context": {
        "description": "what the site held of the conversation; missing where a stream began with signs of life",
        "schema": {"enum": ["continued", "replayed", "new"]},
    },
}
WAITS: Item = {
    "Retry-After": {"description": "seconds", "schema": {"type": "integer", "minimum": 1}},
    "x-should-retry": {
        "description": "false if the wait is over a minute, or only a person can mend it",
        "schema": {"const": "false"},
    },
}
EVENT_STREAM: Item = {
    "text/event-stream": {"schema": {"description": "chat.completion.chunk objects as data: frames, then data: [DONE]"}}
}


def json_content(name: str) -> Item:
    """Return a JSON body of one of the schemas."""
    return {"application/json": {"schema": ref(name)}}


def body_of(content: Item, *, required: bool = True) -> Item:
    """Return a request body."""
    return {"required": required, "content": content}


def answers(description: str, content: Item, failures: tuple[int, ...] = (), *, error: str = "NativeError") -> Item:
    """Return the responses of an operation: that of 200, and those of the statuses in `failures`."""
    responses: Item = {"200": {"description": description, "content": content}}
    for status in sorted({*ALWAYS, *failures}):
        responses[str(status)] = {"description": STATUS_TEXTS[status], "content": json_content(error)}
        if status in (429, 503):
            responses[str(status)]["headers"] = WAITS
    return responses


def operation(tag: str, summary: str, responses: Item, **more: Any) -> Item:
    """Return an operation."""
    return {"tags": [tag], "summary": summary, **more, "responses": responses}


def _in_either_form(name: str) -> Item:
    """Return the content of an answer that also has the forms of Anthropic and Gemini, by the request's headers."""
    return _either(name, f"Anthropic{name}", f"Gemini{name}")


def _either(*names: str) -> Item:
    return {"application/json": {"schema": {"anyOf": [ref(name) for name in names]}}}


def _openai_paths(prefix: str) -> Item:
    completion = answers(
        "the answer, whole or as a stream",
        {**json_content("Completion"), **EVENT_STREAM},
        (404, *READS_BODY, *ASKS_SITE),
        error="OpenAIError",
    )
    completion["200"]["headers"] = ABOUT_ANSWERS
    models = answers(
        "the site's models and the documented names",
        _in_either_form("ModelList"),
        (400, *ASKS_SITE),
        error="OpenAIError",
    )
    model = answers("the model", _in_either_form("Model"), (404, *ASKS_SITE), error="OpenAIError")
    for response in (*models.values(), *model.values()):
        if response["content"] == json_content("OpenAIError"):
            response["content"] = _either("OpenAIError", "AnthropicError")
    return {
        f"{prefix}/chat/completions": {
            "post": operation(
                "OpenAI",
                "Answer a conversation",
                completion,
                requestBody=body_of(json_content("CompletionRequest")),
            )
        },
        f"{prefix}/models": {"get": operation("OpenAI", "List the models", models, parameters=MODELS_QUERY)},
        f"{prefix}/models/{{name}}": {
            "get": operation("OpenAI", "Describe a model", model, parameters=[MODEL, ANTHROPIC_VERSION])
        },
    }


_TURN_ANSWERS = answers(
    "the answer, whole or as a stream, with the chat's id",
    {**json_content("TurnCompletion"), **EVENT_STREAM},
    (404, *READS_BODY, *ASKS_SITE),
)
_TURN_ANSWERS["200"]["headers"] = ABOUT_ANSWERS
_TURN = operation(
    "Chat",
    "Send a message to a kept chat, or begin one",
    _TURN_ANSWERS,
    requestBody=body_of(json_content("TurnRequest")),
)
_SOCKET: Schema = operation(
    "Chat",
    "Open a WebSocket for chats",
    {
        "101": {"description": "the socket is open"},
        **{
            str(status): {"description": STATUS_TEXTS[status], "content": json_content("NativeError")}
            for status in sorted({*ALWAYS, 400, 404})
        },
    },
    description=(
        "Each message is a TurnRequest; the answer comes as SocketEvent messages, the last of them `done` or `error`. "
        '`{"type":"cancel"}` stops the running answer, `{"type":"auth","key":"..."}` as the first message replaces '
        "the header with the key."
    ),
    **{"x-messages": {"request": ref("TurnRequest"), "event": ref("SocketEvent")}},
)

CHAT_PATHS: Item = {
    "/api/chat": {"post": _TURN},
    "/api/chats": {
        "get": operation(
            "Chat", "List the kept chats, newest first", answers("the chats", json_content("ChatList"), USES_DISK)
        ),
        "post": operation(
            "Chat",
            "Begin an empty chat",
            answers("its id", json_content("ChatCreated"), (*READS_BODY, *USES_DISK)),
            requestBody=body_of(json_content("NewChat"), required=False),
        ),
    },
    "/api/chats/cleanup": {
        "post": operation(
            "Chat",
            "Delete the chats that meet all criteria",
            answers("what was deleted", json_content("CleanedUp"), (*READS_BODY, *USES_DISK)),
            requestBody=body_of(json_content("Cleanup")),
        )
    },
    "/api/chats/{chatId}": {
        "parameters": [CHAT_ID],
        "get": operation("Chat", "Read a chat", answers("the chat", json_content("Chat"), (404, *USES_DISK))),
        "delete": operation(
            "Chat", "Delete a chat", answers("it is deleted", json_content("Success"), (404, *USES_DISK))
        ),
    },
    "/api/chats/{chatId}/rename": {
        "parameters": [CHAT_ID],
        "put": operation(
            "Chat",
            "Rename a chat",
            answers("its new name", json_content("ChatRenamed"), (404, *READS_BODY, *USES_DISK)),
            requestBody=body_of(json_content("ChatName")),
        ),
    },
    "/api/ws": {"get": _SOCKET},
}

FILE_PATHS: Item = {
    "/api/files/upload": {
        "post": operation(
            "Files",
            "Upload an image or a document",
            answers("the uploaded file", json_content("Uploaded"), (*READS_BODY, *ASKS_SITE)),
            requestBody=body_of({"multipart/form-data": {"schema": ref("Upload")}}),
        )
    },
    "/api/files/getstsToken": {
        "post": operation(
            "Files",
            "Get the site's credentials to upload a file yourself",
            answers("the credentials", json_content("Credentials"), (*READS_BODY, *ASKS_SITE)),
            requestBody=body_of(json_content("CredentialsRequest")),
        )
    },
}

STATE_PATHS: Item = {
    "/api/status": {
        "get": operation(
            "Server", "Show the state of the accounts", answers("the accounts", json_content("Status"), USES_DISK)
        )
    },
    "/health": {
        "get": operation(
            "Server", "Show that the server runs", answers("it runs", json_content("Health")), security=[{}]
        )
    },
    "/openapi.json": {
        "get": operation(
            "Server",
            "Describe all routes",
            answers("this document", {"application/json": {"schema": {"type": "object"}}}),
        )
    },
}

PATHS: Item = {
    **{path: item for prefix in OPENAI_PREFIXES for path, item in _openai_paths(prefix).items()},
    **CHAT_PATHS,
    **FILE_PATHS,
    **STATE_PATHS,
}
