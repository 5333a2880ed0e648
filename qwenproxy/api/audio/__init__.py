"""OpenAI's Audio API: texts read aloud, and what is said in sound files (contract 4.9)."""

from __future__ import annotations

import re

from qwenproxy.api.audio import routes
from qwenproxy.api.openai.format import openai_error
from qwenproxy.api.wire import WireApi

ADDRESSES = re.compile(r"/(?:api/)?(?:v1/)?audio(?=/|$)")


def wire_api() -> WireApi:
    """Return this wire API."""
    return WireApi((routes.blueprint(),), openai_error, ADDRESSES, roots=("audio",))
