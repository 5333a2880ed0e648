"""Google's Gemini API in the OpenAPI document. Data only."""

from __future__ import annotations

from qwenproxy.api.openapi.builders import COUNT, FLAG, TEXT, Schema, an_object, array_of, const, described, ref
from qwenproxy.api.openapi.paths import (
    ABOUT_ANSWERS,
    ASKS_SITE,
    MODEL,
    READS_BODY,
    Item,
    answers,
    body_of,
    json_content,
    operation,
)

_OBJECT: Schema = {"type": "object"}
_MODEL: Item = {**MODEL, "name": "model"}
GEMINI_PREFIXES = ("/v1beta", "/api/v1beta")
# Where only the end of a path tells it from OpenAI's.
SHARED_PREFIXES = ("/v1", "/api/v1")
_ALT: Item = {
    "name": "alt",
    "in": "query",
    "description": "sse: a stream of events, else one array",
    "schema": {"type": "string"},
}
_PAGE: list[Item] = [
    {"name": "pageSize", "in": "query", "schema": {"type": "integer", "minimum": 1}},
    {"name": "pageToken", "in": "query", "schema": {"type": "string", "pattern": "^[0-9]*$"}},
]
_CONTENTS = array_of(ref("GeminiContent"), minItems=1)

SCHEMAS: dict[str, Schema] = {
    "GeminiContent": an_object(
        "parts",
        role={"enum": ["user", "model", "function"]},
        parts=array_of(ref("GeminiPart")),
    ),
    "GeminiPart": an_object(
        "",
        text=TEXT,
        thought=FLAG,
        thoughtSignature=TEXT,
        inlineData=an_object("data", mimeType=TEXT, data=TEXT, displayName=TEXT),
        fileData=an_object("fileUri", mimeType=TEXT, fileUri=TEXT, displayName=TEXT),
        functionCall=an_object("name", id=TEXT, name=TEXT, args=_OBJECT),
        functionResponse=an_object("name response", id=TEXT, name=TEXT, response=_OBJECT, parts=array_of(_OBJECT)),
    ),
    "GeminiRequest": described(
        an_object(
            "contents",
            contents=_CONTENTS,
            systemInstruction=ref("GeminiContent"),
            tools=array_of(
                an_object("", functionDeclarations=array_of(an_object("name", name=TEXT)), googleSearch=_OBJECT)
            ),
            toolConfig=an_object(
                "", functionCallingConfig=an_object("", mode=TEXT, allowedFunctionNames=array_of(TEXT))
            ),
            generationConfig=an_object(
                "",
                maxOutputTokens={"type": "integer", "minimum": -1},
                stopSequences=array_of(TEXT, maxItems=16),
                candidateCount=const(1),
                responseMimeType={"enum": ["application/json", "text/plain", "text/x.enum"]},
                responseSchema=_OBJECT,
                responseJsonSchema=_OBJECT,
                thinkingConfig=an_object(
                    "", includeThoughts=FLAG, thinkingBudget={"type": "integer"}, thinkingLevel=TEXT
                ),
            ),
        ),
        "names may also be written with underscores",
    ),
    "GeminiAnswer": an_object(
        "candidates usageMetadata modelVersion responseId",
        candidates=array_of(
            an_object(
                "content index finishReason",
                content=ref("GeminiContent"),
                index=const(0),
                finishReason={"enum": ["STOP", "MAX_TOKENS"]},
                groundingMetadata=_OBJECT,
            ),
            minItems=1,
            maxItems=1,
        ),
        usageMetadata=an_object(
            "promptTokenCount candidatesTokenCount totalTokenCount",
            promptTokenCount=COUNT,
            candidatesTokenCount=COUNT,
            thoughtsTokenCount=COUNT,
            cachedContentTokenCount=COUNT,
            totalTokenCount=COUNT,
        ),
        modelVersion=TEXT,
        responseId=TEXT,
    ),
    "GeminiCountRequest": an_object("", contents=_CONTENTS, generateContentRequest=ref("GeminiRequest")),
    "GeminiCount": an_object("totalTokens", totalTokens=COUNT, promptTokensDetails=array_of(_OBJECT)),
    "GeminiModel": an_object(
        "name version displayName supportedGenerationMethods",
        name={"type": "string", "pattern": "^models/"},
        version=TEXT,
        displayName=TEXT,
        description=TEXT,
        inputTokenLimit=COUNT,
        outputTokenLimit=COUNT,
        supportedGenerationMethods=array_of(TEXT),
        thinking=FLAG,
    ),
    "GeminiModelList": an_object("models", models=array_of(ref("GeminiModel")), nextPageToken=TEXT),
    "GeminiError": an_object(
        "error",
        error=an_object(
            "code message status details",
            code={"type": "integer"},
            message=TEXT,
            status=TEXT,
            details=array_of(an_object("@type", **{"@type": TEXT})),
        ),
    ),
}


def _post(summary: str, answer: Item, request: str, *, parameters: tuple[Item, ...] = ()) -> Item:
    more = {"parameters": [_MODEL, *parameters], "requestBody": body_of(json_content(request))}
    return {"post": operation("Gemini", summary, answer, **more)}


def _paths(prefix: str) -> Item:
    whole = answers("the answer", json_content("GeminiAnswer"), (404, *READS_BODY, *ASKS_SITE), error="GeminiError")
    stream: Item = {
        "text/event-stream": {"schema": {"description": "parts of a GeminiAnswer as data: frames"}},
        "application/json": {"schema": array_of(_OBJECT)},
    }
    pieces = answers("the answer in pieces", stream, (404, *READS_BODY, *ASKS_SITE), error="GeminiError")
    for answer in (whole, pieces):
        answer["200"]["headers"] = ABOUT_ANSWERS
    count = answers("the number of tokens", json_content("GeminiCount"), (404, *READS_BODY), error="GeminiError")
    model = f"{prefix}/models/{{model}}"
    return {
        f"{model}:generateContent": _post("Answer a conversation", whole, "GeminiRequest"),
        f"{model}:streamGenerateContent": _post("Stream an answer", pieces, "GeminiRequest", parameters=(_ALT,)),
        f"{model}:countTokens": _post("Count the tokens of a conversation", count, "GeminiCountRequest"),
    }


def _model_paths(prefix: str) -> Item:
    models = answers("the models", json_content("GeminiModelList"), (400, *ASKS_SITE), error="GeminiError")
    model = answers("the model", json_content("GeminiModel"), (404, *ASKS_SITE), error="GeminiError")
    return {
        f"{prefix}/models": {"get": operation("Gemini", "List the models", models, parameters=_PAGE)},
        f"{prefix}/models/{{name}}": {"get": operation("Gemini", "Describe a model", model, parameters=[MODEL])},
    }


PATHS: Item = {
    **{path: item for prefix in (*GEMINI_PREFIXES, *SHARED_PREFIXES) for path, item in _paths(prefix).items()},
    **{path: item for prefix in GEMINI_PREFIXES for path, item in _model_paths(prefix).items()},
}
