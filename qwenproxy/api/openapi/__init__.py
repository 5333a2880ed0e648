"""GET /openapi.json: the description of this server as an OpenAPI 3.1 document.

paths.py and schemas.py are written by hand from the contract, not from the code, so that a test can compare the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy import __version__
from qwenproxy.api.errors import json_response
from qwenproxy.api.openapi import (
    audio,
    completions,
    dashboard,
    explaining,
    gemini,
    images,
    messages,
    ollama,
    responses,
    stored,
    videos,
    windows,
)
from qwenproxy.api.openapi.paths import PATHS
from qwenproxy.api.openapi.schemas import SCHEMAS

TAGS = [
    {"name": "OpenAI", "description": "As in the OpenAI API; under /v1, /api/v1 and /api alike."},
    messages.TAG,
    {"name": "Gemini", "description": "As in Google's Gemini API."},
    {
        "name": "Ollama",
        "description": "As in Ollama's API, for its clients; at the root of the port OLLAMA_PORT, too. Below "
        "/ollama OpenAI's routes stand as well.",
    },
    {"name": "Chat", "description": "Chats that the proxy keeps."},
    {"name": "Files", "description": "Images and documents for messages."},
    {"name": "Server", "description": "The state of the server."},
    dashboard.TAG,
]
KEYS = {
    "key": {"type": "http", "scheme": "bearer", "description": "A line of Authorization.txt, or of Admin.txt."},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same."},
    "api-key": {"type": "apiKey", "in": "header", "name": "api-key", "description": "The same."},
    "x-goog-api-key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-goog-api-key",
        "description": "The same; Gemini's routes also take it as `key` in the query.",
    },
}
PARTS = (
    completions,
    images,
    responses,
    stored,
    videos,
    audio,
    messages,
    gemini,
    ollama,
    dashboard,
    explaining,
    windows,
)  # one for each wire API beside the first, and the dashboard


def blueprint() -> Blueprint:
    """Return the route of the description."""
    routes = Blueprint("openapi", __name__)
    routes.add_url_rule("/openapi.json", view_func=describe)
    return routes


def describe() -> ResponseReturnValue:
    """Answer GET /openapi.json."""
    return json_response(document())


def document() -> dict[str, Any]:
    """Return the description of all routes."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "qwenproxy",
            "version": __version__,
            "description": "A local OpenAI-compatible endpoint for the Qwen chat site, through your own browser login. "
            "A slash at the end of a path does not matter, and OpenAI's routes also work without /v1. Bodies may "
            "be compressed with gzip or deflate.",
        },
        "servers": [{"url": "/"}],
        # With an empty entry, because a server without keys needs none.
        "security": [{"key": []}, {"x-api-key": []}, {"api-key": []}, {"x-goog-api-key": []}, {}],
        "tags": TAGS,
        "paths": {**PATHS, **_joined(part.PATHS for part in PARTS)},
        "components": {
            "schemas": {**SCHEMAS, **_joined(part.SCHEMAS for part in PARTS)},
            "securitySchemes": KEYS,
        },
    }


def _joined(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}
