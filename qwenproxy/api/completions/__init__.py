"""The legacy completions of OpenAI's API: a prompt and what follows it, without messages."""

from __future__ import annotations

from qwenproxy.api.completions import routes
from qwenproxy.api.openai.addresses import ADDRESSES
from qwenproxy.api.openai.format import openai_error
from qwenproxy.api.wire import WireApi


def wire_api() -> WireApi:
    """Return this wire API; its address is one of OpenAI's."""
    return WireApi((routes.blueprint(),), openai_error, ADDRESSES)
