"""How clients learn that they have to wait: the headers, and the words that programs look for in a message.

Part of errors.py. Knows no route.
"""

from __future__ import annotations

import math
import time
from datetime import datetime, timezone

from qwenproxy.errors import ProxyError

LONG_WAIT = 60.0  # seconds; over this, clients that try again by themselves only waste requests


def wait_headers(error: ProxyError) -> dict[str, str]:
    """Return the headers for an error that names a wait, none for any other."""
    if error.retry_after is None:
        return {}
    headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    # OpenAI's and Anthropic's libraries ask again several times, whatever the wait, unless this tells them not to.
    return {**headers, "x-should-retry": "false"} if _is_long(error) else headers


def told_message(error: ProxyError) -> str:
    """Return an error's message for a client; of a spent quota it also says when that comes back.

    Some agents obey an hour's Retry-After in silence unless the message speaks of a quota that is exhausted and will
    reset at some time.
    """
    if error.code != "rate_limited" or error.retry_after is None or not _is_long(error):
        return error.client_message
    # The minute after, because the named one has to be late enough.
    minute = math.ceil((time.time() + error.retry_after) / 60) * 60
    moment = datetime.fromtimestamp(minute, timezone.utc)
    return f"The quota is exhausted and will reset at {moment:%Y-%m-%d %H:%M} UTC. {error.client_message}"


def _is_long(error: ProxyError) -> bool:
    return error.retry_after is not None and error.retry_after > LONG_WAIT
