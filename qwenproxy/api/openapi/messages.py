"""Anthropic's messages in the OpenAPI document. Data only."""

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

TAG: Schema = {"name": "Anthropic", "description": "As in Anthropic's Messages API; under /v1, /api/v1 and /api alike."}

_NAME: Schema = {**TEXT, "minLength": 1}
_SOURCE: Schema = {
    "oneOf": [
        an_object("type data", type=const("base64"), media_type=TEXT, data=_NAME),
        an_object("type url", type=const("url"), url=_NAME),
    ]
}
_CONTENT: Schema = {"anyOf": [TEXT, array_of(ref("MessageBlock"))]}
_USAGE: Schema = an_object(
    "input_tokens output_tokens cache_creation_input_tokens cache_read_input_tokens",
    input_tokens=COUNT,
    output_tokens=COUNT,
    cache_creation_input_tokens=COUNT,
    cache_read_input_tokens=described(COUNT, "a part of the question that is not in input_tokens"),
    output_tokens_details=an_object("thinking_tokens", thinking_tokens=COUNT),
    server_tool_use=an_object("web_search_requests", web_search_requests=COUNT, web_fetch_requests=COUNT),
)
_QUESTION: dict[str, Schema] = {
    "model": described(nullable(TEXT), "an id or alias from GET /v1/models; the answer names it as it is here"),
    "messages": array_of(
        an_object("role content", role={"enum": ["user", "assistant", "system"]}, content=_CONTENT), minItems=1
    ),
    "system": {"anyOf": [nullable(TEXT), array_of(an_object("type text", type=const("text"), text=TEXT))]},
    "tools": nullable(array_of(ref("MessageTool"))),
    "tool_choice": {
        "anyOf": [
            {"type": "null"},
            an_object("type", type={"enum": ["auto", "any", "none"]}, disable_parallel_tool_use=nullable(FLAG)),
            an_object("type name", type=const("tool"), name=_NAME, disable_parallel_tool_use=nullable(FLAG)),
        ]
    },
    "thinking": nullable(
        an_object(
            "type",
            type={"enum": ["enabled", "adaptive", "disabled"]},
            budget_tokens=nullable({**COUNT, "minimum": 1}),
            display={"enum": ["summarized", "omitted", None]},
        )
    ),
    "output_config": nullable(
        an_object(
            "",
            effort={"enum": ["low", "medium", "high", "xhigh", "max", None]},
            format=nullable(an_object("type schema", type=const("json_schema"), schema={"type": "object"})),
        )
    ),
}

SCHEMAS: dict[str, Schema] = {
    "MessageBlock": {
        "oneOf": [
            an_object("type text", type=const("text"), text=TEXT),
            an_object("type source", type=const("image"), source=_SOURCE),
            an_object(
                "type source",
                type=const("document"),
                source={"oneOf": [*_SOURCE["oneOf"], an_object("type data", type=const("text"), data=_NAME)]},
                title=nullable(TEXT),
                context=nullable(TEXT),
            ),
            an_object("type id name input", type=const("tool_use"), id=_NAME, name=_NAME, input={"type": "object"}),
            an_object(
                "type tool_use_id",
                type=const("tool_result"),
                tool_use_id=_NAME,
                content={"anyOf": [nullable(TEXT), array_of(an_object("type text", type=const("text"), text=TEXT))]},
                is_error=nullable(FLAG),
            ),
        ],
        "description": "Thoughts and earlier searches are left out, and so are blocks of other types, which are named "
        "in x-qwenproxy-ignored. Documents and results may also hold blocks.",
    },
    "MessageTool": {
        "anyOf": [
            an_object("name input_schema", name=_NAME, description=nullable(TEXT), input_schema={"type": "object"}),
            an_object(
                "type name", type=const("web_search_20250305"), name=const("web_search"), max_uses=nullable(COUNT)
            ),
        ],
        "description": "Also bash, text_editor and memory, and web_search, which the site makes; each of any date.",
    },
    "MessageRequest": an_object(
        "messages max_tokens",
        **_QUESTION,
        max_tokens=described({"type": "integer", "minimum": 0}, "0: nothing is asked, and the answer is empty"),
        stop_sequences=nullable(array_of(TEXT, maxItems=16)),
        stream=nullable(FLAG),
    ),
    "MessageCountRequest": an_object("messages", **_QUESTION),
    "MessageCount": an_object("input_tokens", input_tokens=COUNT),
    "AnswerBlock": {
        "oneOf": [
            an_object("type text", type=const("text"), text=TEXT, citations=array_of({"type": "object"})),
            an_object("type thinking signature", type=const("thinking"), thinking=TEXT, signature=TEXT),
            an_object(
                "type id name input",
                type={"enum": ["tool_use", "server_tool_use"]},
                id=TEXT,
                name=TEXT,
                input={"type": "object"},
            ),
            an_object(
                "type tool_use_id content",
                type=const("web_search_tool_result"),
                tool_use_id=TEXT,
                content=array_of({"type": "object"}),
            ),
        ]
    },
    "AnsweredMessage": an_object(
        "id type role model content stop_reason stop_sequence usage",
        id=TEXT,
        type=const("message"),
        role=const("assistant"),
        model=TEXT,
        content=array_of(ref("AnswerBlock")),
        stop_reason={"enum": ["end_turn", "max_tokens", "stop_sequence", "tool_use"]},
        stop_sequence=nullable(TEXT),
        usage=_USAGE,
    ),
}

_REQUEST_ID: Item = {"request-id": {"description": "the id of the request, as in errors", "schema": TEXT}}
_EVENTS: Item = {
    "text/event-stream": {"schema": {"description": "events from message_start to message_stop, or error"}}
}


def _operation(summary: str, request: str, good: Item, headers: Item) -> Any:
    for answer in good.values():
        answer["headers"] = {**answer.get("headers", {}), **_REQUEST_ID}
    good["200"]["headers"].update(headers)
    return {"post": operation("Anthropic", summary, good, requestBody=body_of(json_content(request)))}


def _paths(prefix: str) -> Item:
    answer = answers(
        "the message, whole or as a stream",
        {**json_content("AnsweredMessage"), **_EVENTS},
        (404, *READS_BODY, *ASKS_SITE),
        error="AnthropicError",
    )
    count = answers("the number of tokens", json_content("MessageCount"), READS_BODY, error="AnthropicError")
    return {
        f"{prefix}/messages": _operation("Answer a conversation", "MessageRequest", answer, ABOUT_ANSWERS),
        f"{prefix}/messages/count_tokens": _operation(
            "Count the tokens of a conversation", "MessageCountRequest", count, IGNORED
        ),
    }


PATHS: Item = {path: item for prefix in OPENAI_PREFIXES for path, item in _paths(prefix).items()}
