"""The legacy completions of OpenAI's API: a prompt and what follows it, without messages."""

from __future__ import annotations

import re

from qwenproxy.api.completions import routes
from qwenproxy.api.completions.encoder import completion_error
from qwenproxy.api.wire import WireApi

ADDRESSES = re.compile(r"/(?:api/)?(?:v1/)?completions(?=/|$)")


def wire_api() -> WireApi:
    """Return this wire API."""
    return WireApi((routes.blueprint(),), completion_error, ADDRESSES, roots=("completions",))
