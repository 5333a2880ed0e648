"""Gemini's addresses: those we serve, and those that only Google serves. Pure."""

from __future__ import annotations

import re

from qwenproxy.errors import NotFound, ProxyError

# The stable version is OpenAI's prefix, too: there only the end of a path tells the two apart.
BETA_PREFIXES = ("/v1beta", "/api/v1beta")
PREFIXES = (*BETA_PREFIXES, "/v1", "/api/v1")

_METHODS = {
    "generateContent": "",
    "streamGenerateContent": "",
    "countTokens": "",
    "embedContent": "embeddings",
    "batchEmbedContents": "embeddings",
    "asyncBatchEmbedContent": "embeddings",
    "batchGenerateContent": "batches",
    "bidiGenerateContent": "live sessions",
    "generateAnswer": "answers from a corpus",
    "predict": "predictions",
    "predictLongRunning": "predictions",
}
_COLLECTIONS = {
    "batches": "batches",
    "cachedContents": "cached contents",
    "corpora": "corpora",
    "fileSearchStores": "file search",
    "interactions": "interactions",
    "tunedModels": "tuned models",
}

ADDRESSES = re.compile(
    r"/(?:api/)?(?:upload/)?v1(?:beta|alpha)(?=/|$)"
    rf"|/(?:api/)?v1/models/.+:(?:{'|'.join(_METHODS)})$"
)
_METHOD_OF_MODEL = re.compile(r"/(?:api/)?v1(?:beta|alpha)?/models/.+:([^:/]*)$")
_BELOW_VERSION = re.compile(r"/(?:api/)?(?:upload/)?v1(?:beta|alpha)?/([A-Za-z]+)")


def names_method(name: str) -> bool:
    """Tell whether what stands behind `models/` ends with a method, as `qwen-max:generateContent` does."""
    return name.rpartition(":")[2] in _METHODS


def unoffered(path: str) -> str | None:
    """Return the topic of one of Gemini's paths if the product offers nothing of it, None for any other path."""
    if ADDRESSES.match(path) is None:
        return None
    _, colon, method = path.rpartition(":")
    if colon and method in _METHODS:
        return _METHODS[method] or None
    found = _BELOW_VERSION.match(path)
    return _COLLECTIONS.get(found[1]) if found else None


def refusal(path: str) -> ProxyError | None:
    """Return the error for a method that no model has, None for any other path."""
    match = _METHOD_OF_MODEL.match(path)
    if match is None or match[1] in _METHODS:
        return None
    offered = ", ".join(method for method, topic in _METHODS.items() if not topic)
    return NotFound(f"Models have no method {match[1][:64]!r}. They have {offered}.")
