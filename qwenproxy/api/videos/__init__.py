"""OpenAI's Videos API: films are ordered, asked after, and fetched (contract 11)."""

from __future__ import annotations

import re

from qwenproxy.api.openai.format import openai_error
from qwenproxy.api.videos import routes
from qwenproxy.api.wire import WireApi
from qwenproxy.errors import ProxyError, UnsupportedEndpoint

ADDRESSES = re.compile(r"/(?:api/)?(?:v1/)?videos(?=/|$)")
_CHANGES = re.compile(rf"{ADDRESSES.pattern}/(?:edits|extensions|characters|[^/]+/remix)$")


def wire_api() -> WireApi:
    """Return this wire API."""
    return WireApi((routes.blueprint(),), openai_error, ADDRESSES, roots=("videos",), refusal=_refusal)


def _refusal(path: str) -> ProxyError | None:
    """Return the error for what starts from a film that is there already, None for any other path."""
    if _CHANGES.match(path) is None:
        return None
    return UnsupportedEndpoint("The site cannot change a video. Use POST /v1/videos with a new prompt.")
