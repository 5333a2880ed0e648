"""Make one small call to the site through an account's tab: send it, wait for its whole answer, judge the answer.

The relay makes such calls around an answer (a new chat, the model list) and to delete chats. Knows the page seam and
the site's refusals; the caller decides what to do about a refusal.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from qwenproxy.browser.page import Head, Page, PageRequest, PageResponse
from qwenproxy.chat.waiting import ClientGoneCheck, check_client, never_gone
from qwenproxy.errors import (
    EmptyAnswer,
    NetworkFailed,
    ProtocolChanged,
    ProxyError,
    TabLost,
    UpstreamTimeout,
)
from qwenproxy.upstream import refusals

CALL_WAIT = 30.0  # seconds that the site gets to answer a small call
TOO_LONG = "The site's answer is too long for its kind. Look for a newer qwenproxy."
LOOK_EVERY = 1.0  # seconds between two looks at the part of a body that has arrived


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much to read of a body that may never end: characters and seconds."""

    size: int
    seconds: float


CALL_BODY = Bounds(8 << 20, CALL_WAIT)
REFUSAL_BODY = Bounds(1 << 20, 10.0)


@dataclass(frozen=True, slots=True)
class Body:
    """The part of a body that was read; `trouble` is why it is not the whole, None if it is."""

    text: str
    trouble: ProxyError | None = None

    def refusal(self, head: Head) -> ProxyError:
        """Return the error behind an answer that failed, as far as its body was read."""
        error = refusals.error_from(head, self.text)
        if self.trouble and isinstance(error, EmptyAnswer | ProtocolChanged):
            return self.trouble
        return error


def call(
    page: Page,
    request: PageRequest,
    client_gone: ClientGoneCheck = never_gone,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Make a small call and return its body, checked. Raises as `answer_to`."""
    return answer_to(page, request, client_gone, clock)[1]


def answer_to(
    page: Page,
    request: PageRequest,
    client_gone: ClientGoneCheck = never_gone,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Head, str]:
    """Make a small call and return head and body of its answer, checked.

    Raises the error behind a failed answer, UpstreamTimeout, NetworkFailed, TabLost, ClientGone.
    """
    response = page.fetch(request)
    try:
        deadline = clock() + CALL_WAIT
        while (head := response.head(1.0)) is None:
            check_client(client_gone)
            if clock() > deadline:
                raise UpstreamTimeout(f"The site did not answer within {CALL_WAIT:.0f} s.")
        body = read_body(response, CALL_BODY, lambda: check_client(client_gone), clock)
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
    """Read a body within bounds and call `look` about every second: the body of a human check may never end.

    Raises what `look` raises, and NetworkFailed and TabLost if no text came before.
    """
    texts: list[str] = []
    size = silences = 0
    start = last_look = clock()
    try:
        for text in response.iter_text():
            texts.append(text)
            size += len(text)
            silences += not text
            now = clock()
            if size > bounds.size:
                return Body("".join(texts), ProtocolChanged(TOO_LONG))
            if max(silences, now - start) >= bounds.seconds:
                return Body("".join(texts), _endless(bounds.seconds))
            if not text or now - last_look >= LOOK_EVERY:
                last_look = now
                look()
                if refusals.human_check_in("".join(texts)):
                    return Body("".join(texts), _endless(now - start))
    except (NetworkFailed, TabLost) as error:
        if not any(texts):
            raise
        return Body("".join(texts), error)
    return Body("".join(texts))


def _endless(seconds: float) -> UpstreamTimeout:
    return UpstreamTimeout(f"The site did not finish its answer within {seconds:.0f} s.")
