"""One small call to the site through an account's tab: send it, wait for all of its answer, judge the answer.

The relay makes these around an answer (a new chat, the model list); deletions of chats are nothing else. Knows the page
seam and the site's refusals; what to do about a refusal is the caller's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from qwenproxy.browser.page import Head, Page, PageRequest, PageResponse
from qwenproxy.errors import (
    ClientGone,
    EmptyAnswer,
    NetworkFailed,
    ProtocolChanged,
    ProxyError,
    TabLost,
    UpstreamTimeout,
)
from qwenproxy.upstream import refusals

CALL_WAIT = 30.0  # seconds for a small call to be answered
TOO_LONG = "The site's answer is too long for its kind. Look for a newer qwenproxy."
LOOK_EVERY = 1.0  # seconds between two looks at what has come of a body so far


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is read of a body that may never end: characters, and seconds."""

    size: int
    seconds: float


CALL_BODY = Bounds(8 << 20, CALL_WAIT)
REFUSAL_BODY = Bounds(1 << 20, 10.0)


@dataclass(frozen=True, slots=True)
class Body:
    """What was read of a body; `trouble` is why that is not all of it, None where it is."""

    text: str
    trouble: ProxyError | None = None

    def refusal(self, head: Head) -> ProxyError:
        """Return what an answer that is no success means, as far as it was read."""
        error = refusals.error_from(head, self.text)
        if self.trouble and isinstance(error, EmptyAnswer | ProtocolChanged):
            return self.trouble
        return error


def call(
    page: Page,
    request: PageRequest,
    client_gone: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Make a small call and return its body, checked. Raises as `answer_to`."""
    return answer_to(page, request, client_gone, clock)[1]


def answer_to(
    page: Page,
    request: PageRequest,
    client_gone: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Head, str]:
    """Make a small call and return head and body of its answer, checked.

    Raises what the site's refusal means, UpstreamTimeout, NetworkFailed, TabLost, ClientGone.
    """

    def look() -> None:
        if client_gone():
            raise ClientGone("The client hung up.")

    response = page.fetch(request)
    try:
        deadline = clock() + CALL_WAIT
        while (head := response.head(1.0)) is None:
            look()
            if clock() > deadline:
                raise UpstreamTimeout(f"The site did not answer within {CALL_WAIT:.0f} s.")
        body = read_body(response, CALL_BODY, look, clock)
    finally:
        response.close()
    if body.trouble:
        raise body.refusal(head)
    refusals.check(head, body.text)
    return head, body.text


def read_body(
    response: PageResponse,
    bounds: Bounds,
    look: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
) -> Body:
    """Read a body within bounds, calling `look` about every second: the one of a human check may never end.

    Raises what `look` raises, and NetworkFailed and TabLost where nothing came before.
    """
    texts: list[str] = []
    size = silent = 0
    begun = looked = clock()
    try:
        for text in response.iter_text():
            texts.append(text)
            size += len(text)
            silent += not text
            now = clock()
            if size > bounds.size:
                return Body("".join(texts), ProtocolChanged(TOO_LONG))
            if max(silent, now - begun) >= bounds.seconds:
                return Body("".join(texts), _unended(bounds.seconds))
            if not text or now - looked >= LOOK_EVERY:
                looked = now
                look()
                if refusals.error_shown("".join(texts)):
                    return Body("".join(texts), _unended(now - begun))
    except (NetworkFailed, TabLost) as error:
        if not any(texts):
            raise
        return Body("".join(texts), error)
    return Body("".join(texts))


def _unended(seconds: float) -> UpstreamTimeout:
    return UpstreamTimeout(f"The site did not finish its answer within {seconds:.0f} s.")
