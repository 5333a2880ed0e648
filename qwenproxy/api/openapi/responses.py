"""The Responses API in the OpenAPI document. Data only."""

from __future__ import annotations

from typing import Any

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
from qwenproxy.api.openapi.conversation import limit
from qwenproxy.api.openapi.paths import (
    ABOUT_ANSWERS,
    ASKS_SITE,
    IGNORED,
    OPENAI_PREFIXES,
    READS_BODY,
    Item,
    answers,
    body_of,
    json_content,
    operation,
)

EVENTS: Item = {
    "text/event-stream": {
        "schema": {
            "description": "events response.created, response.in_progress, those of the output's items, and "
            "response.completed or response.incomplete, then data: [DONE]; or error and response.failed"
        }
    }
}
OBJECT: Schema = {"type": "object"}
ITEM = an_object("", type=described(TEXT, "message unless given"))
INPUT: Schema = {
    "anyOf": [{**TEXT, "minLength": 1}, array_of(ITEM, minItems=1)],
    "description": "a text, or items: messages, calls and their results, reasoning, references, compactions",
}
CONTEXT: dict[str, Any] = {
    "instructions": described(nullable(TEXT), "a system text before the input"),
    "model": described(nullable(TEXT), "an id or alias from GET /v1/models"),
    "tools": described(array_of(OBJECT), "functions, custom tools, namespaces, web_search; others are left out"),
    "tool_choice": described({"type": ["string", "object", "null"]}, "as in the Responses API, allowed_tools too"),
    "parallel_tool_calls": nullable(FLAG),
    "reasoning": nullable(an_object("", effort=nullable(TEXT), summary=nullable(TEXT))),
    "text": described(nullable(an_object("", format=nullable(OBJECT))), "format text, json_object or json_schema"),
    "truncation": {"enum": ["auto", "disabled", None]},
}

SCHEMAS: dict[str, Schema] = {
    "ResponseRequest": an_object(
        "input",
        input=INPUT,
        **CONTEXT,
        stream=nullable(FLAG),
        store=nullable(FLAG),
        background=nullable(FLAG),
        previous_response_id=described(nullable(TEXT), "a stored response to go on from"),
        conversation=described(
            {"type": ["string", "object", "null"]}, "the id of a conversation, or an object with it"
        ),
        include=described(nullable(array_of(TEXT)), "reasoning.encrypted_content, web_search_call.action.sources"),
        max_output_tokens=limit("cuts the answer; -1 is no limit"),
        max_tool_calls=described(nullable({**COUNT, "minimum": 1}), "of web searches"),
        metadata=described(nullable({**OBJECT, "additionalProperties": TEXT, "maxProperties": 16}), "is repeated"),
    ),
    "Response": an_object(
        "id object created_at status model output tools tool_choice parallel_tool_calls text usage error "
        "incomplete_details metadata",
        id=TEXT,
        object=const("response"),
        created_at=COUNT,
        completed_at=nullable(COUNT),
        status={"enum": ["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]},
        model=TEXT,
        output=array_of(ref("ResponseItem")),
        error=nullable(an_object("code message", code=TEXT, message=TEXT)),
        incomplete_details=nullable(an_object("reason", reason=const("max_output_tokens"))),
        tools=array_of(OBJECT),
        tool_choice={"type": ["string", "object"]},
        parallel_tool_calls=FLAG,
        text=OBJECT,
        metadata=OBJECT,
        usage=nullable(ref("ResponseUsage")),
    ),
    "ResponseItem": described(
        an_object("id type", id=TEXT, type=TEXT),
        "message, function_call, custom_tool_call, reasoning, web_search_call, compaction",
    ),
    "ResponseUsage": an_object(
        "input_tokens output_tokens total_tokens input_tokens_details output_tokens_details",
        input_tokens=COUNT,
        input_tokens_details=an_object("cached_tokens", cached_tokens=COUNT, cache_write_tokens=COUNT),
        output_tokens=COUNT,
        output_tokens_details=an_object("reasoning_tokens", reasoning_tokens=COUNT),
        total_tokens=COUNT,
    ),
    "CountRequest": an_object("input", input=INPUT, **CONTEXT),
    "InputTokens": an_object("object input_tokens", object=const("response.input_tokens"), input_tokens=COUNT),
    "CompactRequest": an_object(
        "input model", input=INPUT, instructions=nullable(TEXT), model={**TEXT, "minLength": 1}
    ),
    "Compaction": an_object(
        "id object created_at output usage",
        id=TEXT,
        object=const("response.compaction"),
        created_at=COUNT,
        output=described(array_of(ref("ResponseItem")), "messages that are kept, and what stands for all the rest"),
        usage=ref("ResponseUsage"),
    ),
}


def _paths(prefix: str) -> Item:
    failures = (404, *READS_BODY, *ASKS_SITE)
    response = answers(
        "the response, or its events", {**json_content("Response"), **EVENTS}, failures, error="OpenAIError"
    )
    response["200"]["headers"] = ABOUT_ANSWERS
    tokens = answers("the number", json_content("InputTokens"), (404, *READS_BODY), error="OpenAIError")
    tokens["200"]["headers"] = IGNORED
    compaction = answers("the conversation to go on with", json_content("Compaction"), failures, error="OpenAIError")
    compaction["200"]["headers"] = ABOUT_ANSWERS
    upgrade = answers("never", json_content("Response"), (426,), error="OpenAIError")
    del upgrade["200"]
    upgrade["101"] = {"description": "the socket is open: each message is a ResponseRequest of type response.create"}
    root = f"{prefix}/responses"
    return {
        root: {
            "post": operation(
                "OpenAI", "Answer an input", response, requestBody=body_of(json_content("ResponseRequest"))
            ),
            "get": operation("OpenAI", "Open a WebSocket, or say that there is none", upgrade),
        },
        f"{root}/input_tokens": {
            "post": operation(
                "OpenAI", "Count an input's tokens", tokens, requestBody=body_of(json_content("CountRequest"))
            )
        },
        f"{root}/compact": {
            "post": operation(
                "OpenAI",
                "Put a summary in a conversation's place",
                compaction,
                requestBody=body_of(json_content("CompactRequest")),
            )
        },
    }


PATHS: Item = {path: item for prefix in OPENAI_PREFIXES for path, item in _paths(prefix).items()}
