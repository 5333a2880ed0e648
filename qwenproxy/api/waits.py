"""Tell clients to wait: by headers, and by words in the message that programs look for.

Part of errors.py. Knows no route.
"""

from __future__ import annotations

import math
import time
from datetime import datetime, timezone

from qwenproxy.errors import ProxyError

NEEDS_PERSON = frozenset({"no_accounts", "verification_required", "setup_error"})  # waiting alone does not mend these
LONG_WAIT = 60.0  # seconds; for a longer wait, automatic retries only waste requests


def wait_headers(error: ProxyError) -> dict[str, str]:
    """Return the headers for an error with a wait, or for one that only a person can mend; none for any other."""
    if error.retry_after is None:
        return {"x-should-retry": "false"} if error.code in NEEDS_PERSON else {}
    headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    # Without this header OpenAI's and Anthropic's libraries retry several times, however long the wait.
    return {**headers, "x-should-retry": "false"} if is_long_wait(error) else headers


def message_for_client(error: ProxyError) -> str:
    """Return an error's message for a client; for a used-up quota it also says when the quota resets.

    Without the words "quota", "exhausted" and "will reset" some agents silently wait out a Retry-After of an hour.
    """
    if error.code != "rate_limited" or error.retry_after is None or not is_long_wait(error):
        return error.client_message
    # Round up, because a retry in the named minute must not be too early.
    minute = math.ceil((time.time() + error.retry_after) / 60) * 60
    moment = datetime.fromtimestamp(minute, timezone.utc)
    return f"The quota is exhausted and will reset at {moment:%Y-%m-%d %H:%M} UTC. {error.client_message}"


def is_long_wait(error: ProxyError) -> bool:
    """Tell whether an error asks for a wait of over LONG_WAIT."""
    return error.retry_after is not None and error.retry_after > LONG_WAIT
