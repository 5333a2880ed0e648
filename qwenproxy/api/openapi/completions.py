"""The legacy completions of OpenAI's API in the OpenAPI document. Data only."""

from __future__ import annotations

from qwenproxy.api.openapi.builders import FLAG, TEXT, Schema, an_object, array_of, const, described, nullable, ref
from qwenproxy.api.openapi.conversation import limit
from qwenproxy.api.openapi.paths import (
    ABOUT_ANSWERS,
    ASKS_SITE,
    EVENT_STREAM,
    OPENAI_PREFIXES,
    READS_BODY,
    Item,
    answers,
    body_of,
    json_content,
    operation,
)

SCHEMAS: dict[str, Schema] = {
    "TextRequest": an_object(
        "prompt",
        prompt={"anyOf": [{**TEXT, "minLength": 1}, array_of({**TEXT, "minLength": 1}, minItems=1, maxItems=1)]},
        model=described(nullable(TEXT), "an id or alias from GET /v1/models"),
        suffix=described(nullable(TEXT), "the text that follows the answer"),
        max_tokens=limit("cuts the answer, 16 unless given; -1 is no limit"),
        stop={"anyOf": [nullable(TEXT), array_of(TEXT, maxItems=16)]},
        echo=described(nullable(FLAG), "repeat the prompt before the answer"),
        n={"enum": [1, None]},
        best_of={"enum": [1, None]},
        stream=nullable(FLAG),
        stream_options=nullable(an_object("", include_usage=nullable(FLAG))),
    ),
    "TextCompletion": an_object(
        "id object created model choices usage",
        id=TEXT,
        object=const("text_completion"),
        created={"type": "integer"},
        model=TEXT,
        choices=array_of(
            an_object(
                "text index logprobs finish_reason",
                text=TEXT,
                index=const(0),
                logprobs=const(None),
                finish_reason={"enum": ["stop", "length"]},
            )
        ),
        usage=ref("Usage"),
    ),
}


def _paths(prefix: str) -> Item:
    completion = answers(
        "the text, whole or as a stream",
        {**json_content("TextCompletion"), **EVENT_STREAM},
        (404, *READS_BODY, *ASKS_SITE),
        error="OpenAIError",
    )
    completion["200"]["headers"] = ABOUT_ANSWERS
    request = body_of(json_content("TextRequest"))
    return {f"{prefix}/completions": {"post": operation("OpenAI", "Continue a text", completion, requestBody=request)}}


PATHS: Item = {path: item for prefix in OPENAI_PREFIXES for path, item in _paths(prefix).items()}
