"""Ollama's wire API: below /ollama, and on a port of its own if there is one."""

from __future__ import annotations

from qwenproxy.api.ollama import models, routes
from qwenproxy.api.ollama.addresses import ADDRESSES, refusal
from qwenproxy.api.ollama.format import ollama_error
from qwenproxy.api.wire import WireApi


def wire_api() -> WireApi:
    """Return this wire API."""
    return WireApi((routes.blueprint(), models.blueprint()), ollama_error, ADDRESSES, refusal=refusal)
