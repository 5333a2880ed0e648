"""OpenAI's addresses: what stands there, what would at OpenAI's own place, and what this product never has. Pure."""

from __future__ import annotations

import re

PREFIXES = ("/v1", "/api/v1", "/api")

# What follows the prefix in OpenAI's addresses. `chat` and `files` alone are also names of our own.
ROOTS = (
    "chat/completions", "completions", "models", "responses", "conversations", "messages", "images", "videos", "audio",
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
    """Return the word for what a path of OpenAI's is about, if that is something the product does not offer at all."""
    is_openai = ADDRESSES.match(path) is not None
    return _UNOFFERED.get(_PREFIX.sub("", path, count=1).partition("/")[0]) if is_openai else None
