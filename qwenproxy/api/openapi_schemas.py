"""The JSON objects of the API as JSON schemas (contract section 4). Data only; part of openapi.py.

Request objects name what is understood and allow what is not, since unknown parameters are accepted.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}


def ref(name: str) -> Schema:
    """Return a reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def array_of(items: Schema, **more: Any) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items, **more}


def an_object(required: str, /, **properties: Schema) -> Schema:
    """Return the schema of an object; `required` names fields, divided by blanks."""
    return {"type": "object", "properties": properties, **({"required": required.split()} if required else {})}


def nullable(schema: Schema) -> Schema:
    """Return the schema of a value that may be null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def _const(value: Any) -> Schema:
    return {"const": value}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def _at_least(least: int, description: str) -> Schema:
    return {"type": ["integer", "null"], "minimum": least, "description": description}


ERROR_CODES = [
    "invalid_json", "invalid_request", "unsupported_parameter", "content_filter", "invalid_api_key", "forbidden_host",
    "not_found", "model_not_found", "chat_not_found", "method_not_allowed", "file_too_large", "unsupported_media_type",
    "rate_limited", "queue_timeout", "upstream_error", "protocol_changed", "no_accounts", "verification_required",
    "upstream_timeout", "client_gone", "storage_error", "setup_error", "browser_error", "internal_error",
    "unsupported_endpoint",
]  # fmt: skip
FUNCTION_CALL = an_object("name arguments", name=TEXT, arguments=_described(TEXT, "JSON text"))
FUNCTION = an_object("name", name={**TEXT, "minLength": 1}, description=nullable(TEXT), parameters={"type": "object"})
LINK = an_object("url", url={**TEXT, "minLength": 1})
URL_OR_LINK: Schema = {"anyOf": [{**TEXT, "minLength": 1}, LINK]}

CONVERSATION: dict[str, Schema] = {
    "ContentPart": {
        "oneOf": [
            an_object("type text", type=_const("text"), text=TEXT),
            an_object("type image_url", type=_const("image_url"), image_url=URL_OR_LINK),
            an_object("type image", type=_const("image"), image=URL_OR_LINK),
            an_object("type file", type=_const("file"), file=URL_OR_LINK),
        ],
        "description": "URLs are http(s), data: URLs, or those of uploaded files.",
    },
    "Content": {"anyOf": [TEXT, array_of(ref("ContentPart"))]},
    "ToolCall": an_object("id type function", id=TEXT, type=_const("function"), function=FUNCTION_CALL),
    "Tool": an_object("type function", type=_const("function"), function=FUNCTION),
    "Message": {
        **an_object(
            "role",
            role={"enum": ["system", "developer", "user", "assistant", "tool"]},
            content={"anyOf": [ref("Content"), {"type": "null"}]},
            name=nullable(TEXT),
            tool_calls=nullable(array_of(ref("ToolCall"))),
            tool_call_id=nullable(TEXT),
        ),
        "description": "`content` may only be left out by the assistant.",
    },
    "CompletionRequest": an_object(
        "messages",
        model=_described(nullable(TEXT), "an id or alias from GET /v1/models"),
        messages=array_of(ref("Message"), minItems=1),
        stream=nullable(FLAG),
        stream_options=nullable(an_object("", include_usage=nullable(FLAG))),
        stop={"anyOf": [nullable(TEXT), array_of(TEXT, maxItems=16)]},
        max_tokens=_at_least(1, "cuts the answer"),
        max_completion_tokens=_at_least(1, "cuts the answer; counts before max_tokens"),
        n={"enum": [1, None]},
        tools=nullable(array_of(ref("Tool"))),
        tool_choice={
            "anyOf": [
                {"enum": ["auto", "none", "required", None]},
                an_object(
                    "function", type=_const("function"), function=an_object("name", name=FUNCTION["properties"]["name"])
                ),
            ]
        },
        reasoning_effort=_described(nullable(TEXT), "with none and minimal it does not think, with any other it does"),
        enable_thinking=nullable(FLAG),
        thinking_budget=_at_least(1, "tokens"),
    ),
    "TurnRequest": {
        **an_object(
            "",
            message=ref("Content"),
            messages=_described(array_of(ref("Message"), minItems=1), "the last user message counts, and the system's"),
            model=nullable(TEXT),
            chatId=_described(nullable(TEXT), "a kept chat to go on with; without it a new one begins"),
            stream=nullable(FLAG),
        ),
        "anyOf": [{"required": ["message"]}, {"required": ["messages"]}],
    },
    "SocketEvent": {
        "oneOf": [
            an_object("type text", type={"enum": ["delta", "reasoning"]}, text=TEXT),
            an_object(
                "type chatId finish_reason",
                type=_const("done"),
                chatId=nullable(TEXT),
                finish_reason={"enum": ["stop", "length", "cancelled"]},
                model=TEXT,
                usage=ref("Usage"),
            ),
            an_object("type code message", type=_const("error"), code=TEXT, message=TEXT, chatId=TEXT),
        ]
    },
}

ANSWERS: dict[str, Schema] = {
    "Usage": an_object(
        "prompt_tokens completion_tokens total_tokens",
        prompt_tokens=COUNT,
        completion_tokens=COUNT,
        total_tokens=COUNT,
        prompt_tokens_details=an_object("cached_tokens", cached_tokens=COUNT),
        completion_tokens_details=an_object("reasoning_tokens", reasoning_tokens=COUNT),
    ),
    "AnswerMessage": an_object(
        "role content",
        role=_const("assistant"),
        content=nullable(TEXT),
        reasoning_content=TEXT,
        tool_calls=array_of(ref("ToolCall")),
    ),
    "Completion": an_object(
        "id object created model choices usage",
        id=TEXT,
        object=_const("chat.completion"),
        created=COUNT,
        model=TEXT,
        choices=array_of(
            an_object(
                "index message finish_reason",
                index=COUNT,
                message=ref("AnswerMessage"),
                logprobs={"type": "null"},
                finish_reason={"enum": ["stop", "length", "tool_calls"]},
            ),
            minItems=1,
            maxItems=1,
        ),
        usage=ref("Usage"),
    ),
    "TurnCompletion": {"allOf": [ref("Completion"), an_object("chatId", chatId=TEXT)]},
    "Model": an_object("id object created owned_by", id=TEXT, object=_const("model"), created=COUNT, owned_by=TEXT),
    "ModelList": an_object("object data", object=_const("list"), data=array_of(ref("Model"))),
    "OpenAIError": an_object(
        "error",
        error=an_object(
            "message type param code", message=TEXT, type=TEXT, param=nullable(TEXT), code={"enum": ERROR_CODES}
        ),
    ),
    "NativeError": an_object("error code", error=TEXT, code={"enum": ERROR_CODES}, chatId=TEXT),
}

CHATS: dict[str, Schema] = {
    "NewChat": an_object("", name=nullable(TEXT)),
    "ChatCreated": an_object("chatId", chatId=TEXT),
    "ChatList": an_object(
        "chats",
        chats=array_of(
            an_object(
                "id name created messageCount userMessageCount",
                id=TEXT,
                name=TEXT,
                created=_described(COUNT, "milliseconds since 1970"),
                messageCount=COUNT,
                userMessageCount=COUNT,
            )
        ),
    ),
    "StoredMessage": an_object(
        "role content",
        id=TEXT,
        role=TEXT,
        content=_described({}, "a text or an array of parts"),
        timestamp=_described({"type": "number"}, "seconds since 1970"),
        chat_type=TEXT,
    ),
    "Chat": an_object(
        "chatId history",
        chatId=TEXT,
        history=an_object(
            "id name created messages",
            id=TEXT,
            name=TEXT,
            created=_described(COUNT, "milliseconds since 1970"),
            messages=array_of(ref("StoredMessage")),
        ),
    ),
    "ChatName": an_object("name", name={**TEXT, "pattern": r"\S"}),
    "ChatRenamed": an_object("success chatId name", success=_const(True), chatId=TEXT, name=TEXT),
    "Success": an_object("success", success=_const(True)),
    "Cleanup": {
        **an_object(
            "",
            olderThan=_described({"type": "number", "exclusiveMinimum": 0}, "milliseconds"),
            userMessageCountLessThan={"type": "number", "minimum": 0},
            messageCountLessThan={"type": "number", "minimum": 0},
            maxChats=_described({"type": "number", "exclusiveMinimum": 0}, "the oldest beyond this number go, too"),
        ),
        "minProperties": 1,
        "description": "A chat goes when it meets all given criteria.",
    },
    "CleanedUp": an_object(
        "success deletedCount deletedChats", success=_const(True), deletedCount=COUNT, deletedChats=array_of(TEXT)
    ),
}

FILES: dict[str, Schema] = {
    "Upload": an_object("file", file=_described({"type": "string"}, "a file of an allowed type, with its name")),
    "Uploaded": an_object(
        "success file",
        success=_const(True),
        file=an_object("url name size type id", url=TEXT, name=TEXT, size=COUNT, type=TEXT, id=TEXT),
        imageUrl=_described(TEXT, "the url again, for images"),
    ),
    "CredentialsRequest": an_object(
        "filename filesize filetype",
        filename={**TEXT, "minLength": 1},
        filesize={"type": "integer", "minimum": 1},
        filetype=_described({**TEXT, "minLength": 1}, "image, video, audio or file"),
    ),
    "Credentials": {"type": "object", "description": "the site's credentials object, as it is"},
}

STATE: dict[str, Schema] = {
    "Health": an_object(
        "status accounts",
        status=_const("ok"),
        accounts=an_object("OK WAIT INVALID", OK=COUNT, WAIT=COUNT, INVALID=COUNT),
    ),
    "Status": an_object(
        "authenticated accounts",
        authenticated=FLAG,
        accounts=array_of(
            an_object(
                "id status resetAt",
                id=TEXT,
                status={"enum": ["OK", "WAIT", "INVALID"]},
                resetAt=_described(nullable({"type": "string", "format": "date-time"}), "when WAIT ends"),
            )
        ),
    ),
}

SCHEMAS: dict[str, Schema] = {**CONVERSATION, **ANSWERS, **CHATS, **FILES, **STATE}
