"""One small call to the site through an account's tab: send it, wait for all of its answer, judge the answer.

The relay makes these around an answer (a new chat, the model list); deletions of chats are nothing else. Knows the page
seam and the site's refusals; what to do about a refusal is the caller's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from qwenproxy.browser.page import Page, PageRequest
from qwenproxy.errors import ClientGone, UpstreamTimeout
from qwenproxy.upstream import refusals

CALL_WAIT = 30.0  # seconds for a small call to be answered


def call(page: Page, request: PageRequest, client_gone: Callable[[], bool] = lambda: False) -> str:
    """Make a small call and return its body, checked.

    Raises what the site's refusal means, UpstreamTimeout, NetworkFailed, TabLost, ClientGone.
    """
    response = page.fetch(request)
    try:
        deadline = time.monotonic() + CALL_WAIT
        while (head := response.head(1.0)) is None:
            if client_gone():
                raise ClientGone("The client hung up.")
            if time.monotonic() > deadline:
                raise UpstreamTimeout(f"The site did not answer within {CALL_WAIT:.0f} s.")
        body = response.read(CALL_WAIT)
    finally:
        response.close()
    refusals.check(head, body)
    return body
