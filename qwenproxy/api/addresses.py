"""OpenAI's addresses: those we serve, those that only OpenAI serves, and those we never will. Pure."""

from __future__ import annotations

import re

PREFIXES = ("/v1", "/api/v1", "/api")

# OpenAI's addresses after the prefix. `chat` and `files` alone are also our own addresses.
ROOTS = (
    "chat/completions", "models", "responses", "conversations", "messages", "images", "videos", "audio",
    "embeddings", "moderations", "batches", "fine_tuning",
)  # fmt: skip
ADDRESSES = re.compile(rf"/v1(?=/|$)|/api/v1(?=/|$)|/api/(?:{'|'.join(ROOTS)})(?=/|$)")

_PREFIX = re.compile(r"/(?:api/)?(?:v1/)?")
_UNOFFERED = {
    "embeddings": "embeddings",
    "moderations": "moderation",
    "batches": "batches",
    "fine_tuning": "fine-tuning",
}


def unoffered(path: str) -> str | None:
    """Return the topic of one of OpenAI's paths if the product offers nothing of it, None for any other path."""
    is_openai = ADDRESSES.match(path) is not None
    return _UNOFFERED.get(_PREFIX.sub("", path, count=1).partition("/")[0]) if is_openai else None
