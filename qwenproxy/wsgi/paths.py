"""Addresses as people write them: which route a path means, and whose form its errors have. Pure.

The app asks before it looks for a route; errors.py asks when it answers without one. Knows no Flask.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

# What follows the prefix in OpenAI's addresses. `chat` and `files` alone are also names of our own.
_ROOTS = (
    "chat/completions", "completions", "models", "responses", "conversations", "messages", "images", "videos", "audio",
    "embeddings", "moderations", "batches", "fine_tuning",
)  # fmt: skip
_ROOT = "(?:" + "|".join(_ROOTS) + ")(?=/|$)"
_BARE = re.compile(f"/{_ROOT}")
_TWICE = re.compile(r"((?:/api)?/v1)(?:/v1)+(?=/|$)")
_OPENAI = re.compile(rf"/v1(?=/|$)|/api/v1(?=/|$)|/api/{_ROOT}")
_PREFIX = re.compile(r"/(?:api/)?(?:v1/)?")
_UNOFFERED = {
    "embeddings": "embeddings",
    "moderations": "moderation",
    "batches": "batches",
    "fine_tuning": "fine-tuning",
}


def meant_path(path: str) -> str:
    """Return the path a client meant: clients put base URL and address together in more ways than one.

    Two slashes count as one, one at the end not at all; `/v1` may be missing or stand there twice.
    """
    path = re.sub("/{2,}", "/", path)
    path = path.rstrip("/") or path[:1]
    path = _TWICE.sub(r"\1", path, count=1) if _TWICE.match(path) else path
    return f"/v1{path}" if _BARE.match(path) else path


def with_meant_paths(serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Serve each request under the path it meant: few clients follow redirects."""

    def serve_meant(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["PATH_INFO"] = meant_path(environ.get("PATH_INFO", ""))
        return serve(environ, start_response)

    return serve_meant


def is_openai(path: str) -> bool:
    """Tell whether errors of a path have OpenAI's form, whether or not there is such a route."""
    return _OPENAI.match(path) is not None


def unoffered(path: str) -> str | None:
    """Return the word for what a path of OpenAI's is about, if that is something the product does not offer at all."""
    return _UNOFFERED.get(_PREFIX.sub("", path, count=1).partition("/")[0]) if is_openai(path) else None
