"""Anthropic's addresses: those we serve, and those that only Anthropic serves. Pure."""

from __future__ import annotations

import re

ADDRESSES = re.compile(r"/(?:api/)?(?:v1/)?(?:messages|complete)(?=/|$)")
ROOTS = ("messages",)

_PREFIX = re.compile(r"/(?:api/)?(?:v1/)?")
_UNOFFERED = {
    "messages/batches": "batches",
    "files": "files that requests name by id",
    "complete": "text completions",
    "skills": "skills",
    "agents": "agents",
    "sessions": "sessions",
    "environments": "environments",
    "organizations": "administration",
}


def unoffered(path: str) -> str | None:
    """Return the topic of one of Anthropic's paths if the product offers nothing of it, None for any other path."""
    rest = _PREFIX.sub("", path, count=1)
    return next((topic for name, topic in _UNOFFERED.items() if rest == name or rest.startswith(f"{name}/")), None)
