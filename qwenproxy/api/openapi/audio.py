"""Sound in the OpenAPI document. Data only."""

from __future__ import annotations

from typing import Any

from qwenproxy.api.openapi.builders import TEXT, Schema, an_object, described, ref
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

_BYTES: Schema = {"type": "string", "format": "binary"}
SCHEMAS: dict[str, Schema] = {
    "SpeechRequest": an_object(
        "input",
        input={**TEXT, "maxLength": 4096},
        model=described(TEXT, "without effect: the site has one"),
        voice=described(TEXT, "the account's own voice; OpenAI's names mean it, too"),
        response_format={"enum": ["wav", "pcm"]},
        stream_format={"enum": ["audio", "sse"]},
    ),
    "TranscriptionRequest": an_object(
        "file",
        file=_BYTES,
        model=described(TEXT, "one that hears; for any other name the first that does"),
        language=TEXT,
        prompt={**TEXT, "maxLength": 8192},
        response_format={"enum": ["json", "text"]},
        stream={"enum": ["true", "false"]},
    ),
    "Transcription": an_object("text", text=TEXT),
}
_EVENTS: Item = {"text/event-stream": {"schema": {"description": "OpenAI's events as data: frames"}}}


def _op(summary: str, what: str, content: Item, body: Item) -> Item:
    found: dict[str, Any] = answers(what, content, (404, *READS_BODY, *ASKS_SITE), error="OpenAIError")
    found["200"]["headers"] = IGNORED
    return operation("OpenAI", summary, found, requestBody=body)


def _paths(prefix: str) -> Item:
    sound: Item = {"audio/wav": {"schema": _BYTES}, "audio/pcm": {"schema": _BYTES}, **_EVENTS}
    text: Item = {**json_content("Transcription"), "text/plain": {"schema": TEXT}, **_EVENTS}
    form = body_of({"multipart/form-data": {"schema": ref("TranscriptionRequest")}})
    spoken = body_of(json_content("SpeechRequest"))
    return {
        f"{prefix}/audio/speech": {"post": _op("Read a text aloud", "the sound", sound, spoken)},
        f"{prefix}/audio/transcriptions": {"post": _op("Write down what is said", "the text", text, form)},
        f"{prefix}/audio/translations": {"post": _op("Write it down in English", "the text", text, form)},
    }


PATHS: Item = {path: item for prefix in OPENAI_PREFIXES for path, item in _paths(prefix).items()}
