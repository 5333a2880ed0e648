"""Films in the OpenAPI document. Data only."""

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
    ASKS_SITE,
    IGNORED,
    OPENAI_PREFIXES,
    READS_BODY,
    USES_DISK,
    Item,
    answers,
    json_content,
    operation,
)

_REFERENCE: Schema = {
    "anyOf": [TEXT, an_object("", image_url=TEXT)],
    "description": "a picture to begin with: its address; in a form, the file itself",
}
SCHEMAS: dict[str, Schema] = {
    "VideoRequest": an_object(
        "prompt",
        prompt={**TEXT, "maxLength": 32_000},
        model=TEXT,
        size=described(TEXT, "the nearest ratio of the site counts"),
        seconds=described({"type": ["string", "integer"]}, "without effect: the site's films last about 5"),
        input_reference=_REFERENCE,
    ),
    "Video": an_object(
        "id object model status progress created_at completed_at expires_at prompt size seconds "
        "remixed_from_video_id error",
        id=TEXT,
        object=const("video"),
        model=TEXT,
        status={"enum": ["queued", "in_progress", "completed", "failed"]},
        progress=described({**COUNT, "maximum": 100}, "guessed from the usual time"),
        created_at=COUNT,
        completed_at=nullable(COUNT),
        expires_at=COUNT,
        prompt=TEXT,
        size=described(TEXT, "as asked for; once it is completed, the true one"),
        seconds=TEXT,
        remixed_from_video_id={"type": "null"},
        error=nullable(an_object("code message", code=TEXT, message=TEXT)),
    ),
    "VideoList": an_object(
        "object data first_id last_id has_more",
        object=const("list"),
        data=array_of(ref("Video")),
        first_id=nullable(TEXT),
        last_id=nullable(TEXT),
        has_more=FLAG,
    ),
    "VideoDeleted": an_object("id object deleted", id=TEXT, object=const("video.deleted"), deleted=const(True)),
}

_ID: Item = {"name": "video_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_POLL: Item = {
    "openai-poll-after-ms": {"description": "when to ask again, while it is not over", "schema": COUNT},
}
_FILE: Item = {"video/mp4": {"schema": {"type": "string", "format": "binary"}}}


def _query(name: str, schema: Schema) -> Item:
    return {"name": name, "in": "query", "schema": schema}


_PAGE: list[Item] = [
    _query("limit", {"type": "integer", "minimum": 0, "maximum": 100}),
    _query("order", {"enum": ["asc", "desc"]}),
    _query("after", TEXT),
]


def _op(summary: str, what: str, content: Item, *failures: int, **more: Any) -> Item:
    return operation("OpenAI", summary, answers(what, content, (*USES_DISK, *failures), error="OpenAIError"), **more)


def _paths(prefix: str) -> Item:
    root, one = f"{prefix}/videos", f"{prefix}/videos/{{video_id}}"
    order = _op("Order a film", "its job", json_content("Video"), 404, *READS_BODY, *ASKS_SITE)
    order["responses"]["200"]["headers"] = {**IGNORED, **_POLL}
    forms = ("application/json", "multipart/form-data")
    order["requestBody"] = {"required": True, "content": {form: {"schema": ref("VideoRequest")} for form in forms}}
    show = _op("Ask after a film", "its job", json_content("Video"), 404)
    show["responses"]["200"]["headers"] = _POLL
    fetch = _op("Fetch a film", "the file", _FILE, 400, 404, 502, parameters=[_query("variant", const("video"))])
    fetch["responses"]["206"] = {"description": "the part that Range names", "content": _FILE}
    fetch["responses"]["416"] = {"description": "there is no such part"}
    known: Item = {"parameters": [_ID]}
    return {
        root: {
            "post": order,
            "get": _op("List the films", "some of them", json_content("VideoList"), 400, 404, parameters=_PAGE),
        },
        one: {
            **known,
            "get": show,
            "delete": _op("Delete a film", "it is deleted", json_content("VideoDeleted"), 404),
        },
        f"{one}/content": {**known, "get": fetch},
    }


PATHS: Item = {path: item for prefix in OPENAI_PREFIXES for path, item in _paths(prefix).items()}
