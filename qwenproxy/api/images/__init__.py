"""OpenAI's Images API: pictures from a text, and pictures changed by one (contract 12)."""

from __future__ import annotations

import re

from qwenproxy.api.images import routes
from qwenproxy.api.openai.format import openai_error
from qwenproxy.api.wire import WireApi

ADDRESSES = re.compile(r"/(?:api/)?(?:v1/)?images(?=/|$)")


def wire_api() -> WireApi:
    """Return this wire API."""
    return WireApi((routes.blueprint(),), openai_error, ADDRESSES, roots=("images",), unoffered=_unoffered)


def _unoffered(path: str) -> str | None:
    """Return the topic of the one route of OpenAI's pictures that the product has not."""
    return "variations of pictures" if path.rstrip("/").endswith("/variations") else None
