"""Google's Gemini API: generateContent, streamGenerateContent, countTokens, models."""

from __future__ import annotations

from qwenproxy.api.gemini import routes
from qwenproxy.api.gemini.addresses import ADDRESSES, refusal, unoffered
from qwenproxy.api.gemini.format import gemini_error
from qwenproxy.api.models.gemini_routes import wants_gemini
from qwenproxy.api.wire import WireApi


def wire_api() -> WireApi:
    """Return this wire API."""
    blueprints = (routes.blueprint(),)
    return WireApi(blueprints, gemini_error, ADDRESSES, unoffered=unoffered, claims=wants_gemini, refusal=refusal)
