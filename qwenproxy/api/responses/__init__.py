"""OpenAI's Responses API: what Codex and the newer programs speak."""

from __future__ import annotations

import re

from qwenproxy.api.responses import routes
from qwenproxy.api.responses.failures import error_object
from qwenproxy.api.responses.stored import conversations, socket
from qwenproxy.api.responses.stored import routes as stored_responses
from qwenproxy.api.wire import WireApi

ADDRESSES = re.compile(r"/(?:api/)?(?:v1/)?(?:responses|conversations)(?=/|$)")


def wire_api() -> WireApi:
    """Return this wire API."""
    blueprints = (
        routes.blueprint(), stored_responses.blueprint(), conversations.blueprint(), socket.blueprint(),
    )  # fmt: skip
    return WireApi(blueprints, error_object, ADDRESSES)
