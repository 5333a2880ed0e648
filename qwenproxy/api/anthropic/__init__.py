"""The Anthropic wire API: messages and the count of their tokens. The models have their routes in `api/models`."""

from __future__ import annotations

from qwenproxy.api.anthropic import routes
from qwenproxy.api.anthropic.addresses import ADDRESSES, ROOTS, unoffered
from qwenproxy.api.anthropic.format import anthropic_error
from qwenproxy.api.anthropic_headers import id_headers, wants_anthropic
from qwenproxy.api.wire import WireApi


def wire_api() -> WireApi:
    """Return this wire API."""
    return WireApi(
        (routes.blueprint(),), anthropic_error, ADDRESSES, ROOTS, unoffered, id_headers, claims=wants_anthropic
    )
