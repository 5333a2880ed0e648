"""Ollama's API in the OpenAPI document, below /ollama. Data only."""

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
    READS_BODY,
    Item,
    answers,
    body_of,
    json_content,
    operation,
)

PREFIX = "/ollama"
TAG = "Ollama"
NAME: Schema = described({**TEXT, "pattern": r"\S"}, "any name of a model, with or without :latest")
MOMENT: Schema = {"type": "string", "format": "date-time"}
NANOSECONDS: Schema = described(COUNT, "nanoseconds")

_CALL = an_object(
    "function",
    id=TEXT,
    function=an_object("name arguments", index=COUNT, name=TEXT, arguments={"type": "object"}),
)
_IMAGES = nullable(array_of(described({**TEXT, "minLength": 1}, "base64, without a data: before it")))
_ASKING: dict[str, Schema] = {
    "model": NAME,
    "stream": described(nullable(FLAG), "true unless it says false"),
    "options": nullable(
        an_object(
            "",
            num_predict=described({"type": ["integer", "null"]}, "cuts the answer; 0 and below are no limit"),
            stop={"anyOf": [nullable(TEXT), array_of(TEXT, maxItems=16)]},
        )
    ),
    "format": {"anyOf": [{"enum": ["json", "", None]}, described({"type": "object"}, "a JSON schema")]},
    "think": {"anyOf": [nullable(FLAG), described(TEXT, "an effort")]},
    "keep_alive": described({"type": ["string", "number", "null"]}, "without effect; 0 beside no question unloads"),
}
_END: dict[str, Schema] = {
    "done_reason": {"enum": ["stop", "length", "load", "unload"]},
    "total_duration": NANOSECONDS,
    "load_duration": NANOSECONDS,
    "prompt_eval_count": described(COUNT, "tokens"),
    "prompt_eval_duration": NANOSECONDS,
    "eval_count": described(COUNT, "tokens"),
    "eval_duration": NANOSECONDS,
}
_DETAILS = an_object(
    "parent_model format family families parameter_size quantization_level",
    families=array_of(TEXT),
    **dict.fromkeys(("parent_model", "format", "family", "parameter_size", "quantization_level"), TEXT),
)
_CAPABILITIES = array_of({"enum": ["completion", "tools", "vision", "thinking"]})

SCHEMAS: dict[str, Schema] = {
    "OllamaChatRequest": an_object(
        "model",
        messages=described(
            nullable(
                array_of(
                    an_object(
                        "role",
                        role={"enum": ["system", "user", "assistant", "tool"]},
                        content=nullable(TEXT),
                        images=_IMAGES,
                        tool_calls=nullable(array_of(_CALL)),
                        tool_name=nullable(TEXT),
                        tool_call_id=nullable(TEXT),
                    )
                )
            ),
            "none: load the model",
        ),
        tools=nullable(array_of(ref("Tool"))),
        **_ASKING,
    ),
    "OllamaGenerateRequest": an_object(
        "model",
        prompt=described(nullable(TEXT), "none: load the model"),
        suffix=described(nullable(TEXT), "the text that follows the answer"),
        system=nullable(TEXT),
        raw=described(nullable(FLAG), "go on with the prompt as it stands"),
        images=_IMAGES,
        context=described(nullable(array_of({}, maxItems=0)), "must be empty"),
        **_ASKING,
    ),
    "OllamaChat": an_object(
        "model created_at message done",
        model=TEXT,
        created_at=MOMENT,
        message=an_object(
            "role content", role=const("assistant"), content=TEXT, thinking=TEXT, tool_calls=array_of(_CALL)
        ),
        done=FLAG,
        **_END,
    ),
    "OllamaText": an_object(
        "model created_at response done",
        model=TEXT,
        created_at=MOMENT,
        response=TEXT,
        thinking=TEXT,
        context=array_of({}, maxItems=0),
        done=FLAG,
        **_END,
    ),
    "OllamaTags": an_object(
        "models",
        models=array_of(
            an_object(
                "name model modified_at size digest details capabilities",
                name=TEXT,
                model=TEXT,
                modified_at=MOMENT,
                size=COUNT,
                digest=TEXT,
                details=_DETAILS,
                capabilities=_CAPABILITIES,
            )
        ),
    ),
    "OllamaModelName": {
        **an_object("", model=NAME, name=described(NAME, "the older name of model"), stream=nullable(FLAG)),
        "anyOf": [{"required": ["model"]}, {"required": ["name"]}],
    },
    "OllamaModel": an_object(
        "license modelfile parameters template details model_info capabilities modified_at",
        details=_DETAILS,
        model_info={"type": "object"},
        capabilities=_CAPABILITIES,
        modified_at=MOMENT,
        **dict.fromkeys(("license", "modelfile", "parameters", "template"), TEXT),
    ),
    "OllamaLoaded": an_object("models", models=array_of({}, maxItems=0)),
    "OllamaPulled": an_object("status", status=TEXT),
    "OllamaVersion": an_object("version", version=TEXT),
    "OllamaError": an_object("error request_id", error=TEXT, request_id=TEXT),
}


def _answers(description: str, content: Item, *failures: int) -> Item:
    return answers(description, content, failures, error="OllamaError")


def _streamed(name: str) -> Item:
    lines = {"application/x-ndjson": {"schema": {"description": f"{name} objects, one a line"}}}
    return {**json_content(name), **lines}


def _asking(summary: str, request: str, answer: str) -> Item:
    responses = _answers("the answer, whole or as lines", _streamed(answer), 404, *READS_BODY, *ASKS_SITE)
    responses["200"]["headers"] = ABOUT_ANSWERS
    return {"post": operation(TAG, summary, responses, requestBody=body_of(json_content(request)))}


def _about_model(summary: str, answer: Item) -> Item:
    responses = _answers("the model is known", answer, 404, *READS_BODY, *ASKS_SITE)
    return {"post": operation(TAG, summary, responses, requestBody=body_of(json_content("OllamaModelName")))}


def _getting(summary: str, content: Item, *failures: int, **more: Any) -> Item:
    return {"get": operation(TAG, summary, _answers("it is so", content, *failures), **more)}


PATHS: Item = {
    PREFIX: _getting("Say that Ollama is running", {"text/plain": {"schema": TEXT}}, security=[{}]),
    f"{PREFIX}/api/chat": _asking("Answer a conversation", "OllamaChatRequest", "OllamaChat"),
    f"{PREFIX}/api/generate": _asking("Answer a prompt", "OllamaGenerateRequest", "OllamaText"),
    f"{PREFIX}/api/tags": _getting("List the models", json_content("OllamaTags"), *ASKS_SITE),
    f"{PREFIX}/api/show": _about_model("Describe a model", json_content("OllamaModel")),
    f"{PREFIX}/api/pull": _about_model("See that a model is known", _streamed("OllamaPulled")),
    f"{PREFIX}/api/ps": _getting("List the models in memory: none", json_content("OllamaLoaded")),
    f"{PREFIX}/api/version": _getting("Tell the version of this API", json_content("OllamaVersion")),
}
