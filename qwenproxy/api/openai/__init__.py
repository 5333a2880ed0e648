"""The OpenAI wire API: chat completions and models."""

from __future__ import annotations

from qwenproxy.api.addresses import ADDRESSES, ROOTS, unoffered
from qwenproxy.api.models import routes as models
from qwenproxy.api.openai import routes
from qwenproxy.api.openai.format import openai_error
from qwenproxy.api.wire import WireApi


def wire_api() -> WireApi:
    """Return this wire API."""
    return WireApi((routes.blueprint(), models.blueprint()), openai_error, ADDRESSES, ROOTS, unoffered)
