"""The JSON objects of the API as JSON schemas (contract 4). Data only."""

from __future__ import annotations

from qwenproxy.api.openapi.builders import (
    COUNT,
    FLAG,
    TEXT,
    Schema,
    an_object,
    array_of,
    const,
    described,
    nullable,
    ref,
)
from qwenproxy.api.openapi.conversation import CONVERSATION, FUNCTION_CALL

ERROR_CODES = [
    "invalid_json", "invalid_request", "unsupported_parameter", "content_filter", "invalid_api_key", "forbidden_host",
    "not_found", "model_not_found", "chat_not_found", "method_not_allowed", "file_too_large", "unsupported_media_type",
    "rate_limited", "queue_timeout", "upstream_error", "protocol_changed", "no_accounts", "verification_required",
    "upstream_timeout", "client_gone", "storage_error", "setup_error", "browser_error", "internal_error",
    "unsupported_endpoint", "structured_output_failed", "context_length_exceeded", "tool_choice_unsatisfied",
    "previous_response_not_found", "websocket_connection_limit_reached", "upgrade_required",
    "models_read_only",
]  # fmt: skip

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
        role=const("assistant"),
        content=nullable(TEXT),
        reasoning_content=TEXT,
        annotations=array_of(
            an_object(
                "type url_citation",
                type=const("url_citation"),
                url_citation=an_object(
                    "start_index end_index url title",
                    start_index=described(COUNT, "code points of the content before the mark"),
                    end_index=COUNT,
                    url=TEXT,
                    title=TEXT,
                ),
            )
        ),
        tool_calls=array_of(ref("ToolCall")),
        function_call=described(FUNCTION_CALL, "replaces tool_calls if the request has functions"),
    ),
    "Completion": an_object(
        "id object created model choices usage",
        id=TEXT,
        object=const("chat.completion"),
        created=COUNT,
        model=TEXT,
        choices=array_of(
            an_object(
                "index message finish_reason",
                index=COUNT,
                message=ref("AnswerMessage"),
                logprobs={"type": "null"},
                finish_reason={"enum": ["stop", "length", "tool_calls", "function_call"]},
            ),
            minItems=1,
            maxItems=1,
        ),
        usage=ref("Usage"),
    ),
    "TurnCompletion": {"allOf": [ref("Completion"), an_object("chatId", chatId=TEXT)]},
    "Model": an_object(
        "id object created owned_by name architecture supported_parameters capabilities",
        id=TEXT,
        object=const("model"),
        created=COUNT,
        owned_by=TEXT,
        name=TEXT,
        context_length=described(COUNT, "tokens"),
        max_completion_tokens=described(COUNT, "tokens"),
        architecture=an_object(
            "input_modalities output_modalities", input_modalities=array_of(TEXT), output_modalities=array_of(TEXT)
        ),
        supported_parameters=array_of(TEXT),
        capabilities=an_object(
            "vision tools reasoning search image_output video_output",
            **dict.fromkeys(("vision", "tools", "reasoning", "search", "image_output", "video_output"), FLAG),
        ),
    ),
    "ModelList": an_object(
        "object data", object=const("list"), data=array_of(ref("Model")), models=array_of({}, maxItems=0)
    ),
    "AnthropicModel": an_object(
        "type id display_name created_at lifecycle",
        type=const("model"),
        id=TEXT,
        display_name=TEXT,
        created_at=TEXT,
        lifecycle=const("active"),
        max_input_tokens=COUNT,
        max_tokens=COUNT,
    ),
    "AnthropicModelList": an_object(
        "data has_more first_id last_id",
        data=array_of(ref("AnthropicModel")),
        has_more=FLAG,
        first_id=nullable(TEXT),
        last_id=nullable(TEXT),
    ),
    "AnthropicError": an_object(
        "type error request_id",
        type=const("error"),
        error=an_object("type message", type=TEXT, message=TEXT),
        request_id=TEXT,
    ),
    "OpenAIError": an_object(
        "error",
        error=an_object(
            "message type param code request_id",
            message=TEXT,
            type=TEXT,
            param=nullable(TEXT),
            code={"enum": ERROR_CODES},
            request_id=TEXT,
            resets_at=described(COUNT, "seconds since 1970; where the type is usage_limit_reached"),
        ),
    ),
    "NativeError": an_object(
        "error code request_id", error=TEXT, code={"enum": ERROR_CODES}, request_id=TEXT, chatId=TEXT
    ),
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
                created=described(COUNT, "milliseconds since 1970"),
                messageCount=COUNT,
                userMessageCount=COUNT,
            )
        ),
    ),
    "StoredMessage": an_object(
        "role content",
        id=TEXT,
        role=TEXT,
        content=described({}, "a text or an array of parts"),
        timestamp=described({"type": "number"}, "seconds since 1970"),
        chat_type=TEXT,
    ),
    "Chat": an_object(
        "chatId history",
        chatId=TEXT,
        history=an_object(
            "id name created messages",
            id=TEXT,
            name=TEXT,
            created=described(COUNT, "milliseconds since 1970"),
            messages=array_of(ref("StoredMessage")),
        ),
    ),
    "ChatName": an_object("name", name={**TEXT, "pattern": r"\S"}),
    "ChatRenamed": an_object("success chatId name", success=const(True), chatId=TEXT, name=TEXT),
    "Success": an_object("success", success=const(True)),
    "Cleanup": {
        **an_object(
            "",
            olderThan=described({"type": "number", "exclusiveMinimum": 0}, "milliseconds"),
            userMessageCountLessThan={"type": "number", "minimum": 0},
            messageCountLessThan={"type": "number", "minimum": 0},
            maxChats=described({"type": "number", "exclusiveMinimum": 0}, "the oldest beyond this number go, too"),
        ),
        "minProperties": 1,
        "description": "A chat is deleted if it meets all given criteria.",
    },
    "CleanedUp": an_object(
        "success deletedCount deletedChats", success=const(True), deletedCount=COUNT, deletedChats=array_of(TEXT)
    ),
}

FILES: dict[str, Schema] = {
    "Upload": an_object("file", file=described({"type": "string"}, "a file of an allowed type, with its name")),
    "Uploaded": an_object(
        "success file",
        success=const(True),
        file=an_object("url name size type id", url=TEXT, name=TEXT, size=COUNT, type=TEXT, id=TEXT),
        imageUrl=described(TEXT, "the url again, for images"),
    ),
    "CredentialsRequest": an_object(
        "filename filesize filetype",
        filename={**TEXT, "minLength": 1},
        filesize={"type": "integer", "minimum": 1},
        filetype=described({**TEXT, "minLength": 1}, "image, video, audio or file"),
    ),
    "Credentials": {"type": "object", "description": "the site's own credentials object"},
}

RESTS: Schema = {"type": "object", "additionalProperties": {"type": "string", "format": "date-time"}}

STATE: dict[str, Schema] = {
    "Health": an_object(
        "status accounts",
        status=const("ok"),
        accounts=an_object("OK WAIT INVALID", OK=COUNT, WAIT=COUNT, INVALID=COUNT),
        resting=described(
            RESTS,
            "the kinds of work (t2i, image_edit, t2v, deep_research, tts, upload) that no usable account does now",
        ),
    ),
    "Grid": an_object(
        "url reachable",
        url=TEXT,
        reachable=FLAG,
        reason=described(TEXT, "why the hub does not tell more"),
        version=TEXT,
        slots=COUNT,
        sessions=COUNT,
        queue=described(COUNT, "requests that wait for a slot"),
        nodes=array_of(
            an_object(
                "uri status sessions slots accounts",
                uri=TEXT,
                status=TEXT,
                sessions=COUNT,
                slots=COUNT,
                accounts=described(array_of(TEXT), "whose browsers are there"),
            )
        ),
    ),
    "Status": an_object(
        "authenticated accounts",
        authenticated=FLAG,
        accounts=array_of(
            an_object(
                "id status resetAt",
                id=TEXT,
                status={"enum": ["OK", "WAIT", "INVALID"]},
                resetAt=described(nullable({"type": "string", "format": "date-time"}), "when WAIT ends"),
                reason=described(TEXT, "why its browser does not start, if it waits for that reason"),
                proxy=described(TEXT, "its outgoing proxy without user and password, if it has one"),
                resting=described(RESTS, "the kinds of work whose share it has used up; it does all other work"),
            )
        ),
        grid=described(ref("Grid"), "where browsers open, if not on this machine"),
    ),
}

SCHEMAS: dict[str, Schema] = {**CONVERSATION, **ANSWERS, **CHATS, **FILES, **STATE}
