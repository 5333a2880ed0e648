"""OpenAI's pictures in the OpenAPI document. Data only."""

from __future__ import annotations

from qwenproxy.api.openapi.builders import FLAG, TEXT, Schema, an_object, array_of, described, nullable, ref
from qwenproxy.api.openapi.paths import (
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

_PROMPT: Schema = {**TEXT, "minLength": 1, "maxLength": 32_000}
_WISHES: dict[str, Schema] = {
    "prompt": _PROMPT,
    "model": described(nullable(TEXT), "a model or an engine of the site; names of other vendors mean its own choice"),
    "n": described({"type": ["integer", "null"], "minimum": 1, "maximum": 4}, "how many, painted one by one"),
    "size": described(
        {"type": ["string", "null"], "pattern": "^(auto|[1-9][0-9]{0,4} ?[x:] ?[1-9][0-9]{0,4})$"},
        "the nearest ratio that the site knows is painted",
    ),
    "response_format": {"enum": ["url", "b64_json", None]},
    "output_format": nullable(TEXT),
    "stream": nullable(FLAG),
    "partial_images": {"type": ["integer", "null"], "minimum": 0},
}
_IMAGE: Schema = an_object("image_url", image_url={**TEXT, "minLength": 1})
_TOKENS: Schema = {"type": "integer", "const": 0}

SCHEMAS: dict[str, Schema] = {
    "PictureRequest": an_object("prompt", **_WISHES),
    "PictureEdit": an_object("prompt images", **_WISHES, images=array_of(_IMAGE, minItems=1, maxItems=20)),
    "PictureForm": an_object("prompt image", prompt=_PROMPT, image={"type": "string", "format": "binary"}),
    "Pictures": an_object(
        "created data output_format usage",
        created={"type": "integer"},
        data=array_of(
            an_object(
                "",
                url=described(TEXT, "the site's own address, which expires"),
                b64_json=TEXT,
            ),
            minItems=1,
        ),
        size=described(TEXT, "in pixels, as the site made it"),
        output_format=TEXT,
        usage=an_object(
            "input_tokens output_tokens total_tokens",
            input_tokens=_TOKENS,
            output_tokens=_TOKENS,
            total_tokens=_TOKENS,
            input_tokens_details=an_object("text_tokens image_tokens", text_tokens=_TOKENS, image_tokens=_TOKENS),
        ),
    ),
}
_EVENTS: Item = {"text/event-stream": {"schema": {"description": "an event for each picture: image_….completed"}}}


def _paths(prefix: str) -> Item:
    painted = answers(
        "the pictures, whole or as a stream",
        {**json_content("Pictures"), **_EVENTS},
        (404, *READS_BODY, *ASKS_SITE),
        error="OpenAIError",
    )
    painted["200"]["headers"] = IGNORED
    edit = {**json_content("PictureEdit"), "multipart/form-data": {"schema": ref("PictureForm")}}
    return {
        f"{prefix}/images/generations": {
            "post": operation("OpenAI", "Paint", painted, requestBody=body_of(json_content("PictureRequest")))
        },
        f"{prefix}/images/edits": {"post": operation("OpenAI", "Change pictures", painted, requestBody=body_of(edit))},
    }


PATHS: Item = {path: item for prefix in OPENAI_PREFIXES for path, item in _paths(prefix).items()}
