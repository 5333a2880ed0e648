"""A scripted site and its answers, in the place of the page seam.

Nothing here waits: a second of silence is a "" that comes at once and moves the site's own clock, so a test says how
much silence there is, and how much time passes.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from clocks import FakeClock
from replies import EMPTY, MODELS, NEW_CHAT, TICK, Reply, answer

from qwenproxy.browser.page import Head, PageRequest

ORIGIN = "https://site.example"


class FakeResponse:
    """A PageResponse that follows a Reply. Chunks that take no time are there together, read or not."""

    def __init__(self, reply: Reply, clock: FakeClock | None = None) -> None:
        self._reply = reply
        self._clock = clock or FakeClock()
        self._head_after = reply.head_after
        self._complete = False
        self._on_complete: Callable[[], None] | None = None
        self.closed = False

    def head(self, wait: float) -> Head | None:
        if self._head_after > 0:
            self._head_after -= 1
            self._clock.now += 1
            return None
        self._let_come(0)
        return Head(self._reply.status, self._reply.headers)

    def iter_text(self) -> Iterator[str]:
        self._let_come(0)
        for number, chunk in enumerate(self._reply.chunks, 1):
            if isinstance(chunk, BaseException):
                raise chunk
            self._clock.now += self._reply.pace if chunk else 1
            self._let_come(number)
            yield str(chunk)
        while self._reply.endless:
            self._clock.now += 1
            yield TICK
        self._note_complete()

    def when_complete(self, call: Callable[[], None]) -> None:
        if self._complete:
            call()
        else:
            self._on_complete = call

    def close(self) -> None:
        self.closed = True

    def _let_come(self, number: int) -> None:
        """Note that the body is complete if no time passes after its first `number` chunks."""
        chunks: Iterable[object] = self._reply.chunks
        if self._reply.endless or not isinstance(chunks, tuple):  # chunks made one by one come one by one
            return
        rest = chunks[number:]
        if not rest or not (self._reply.pace or any(not one or isinstance(one, BaseException) for one in rest)):
            self._note_complete()

    def _note_complete(self) -> None:
        if not self._complete:
            self._complete = True
            if self._on_complete:
                self._on_complete()


class FakeSite:
    """The site behind all fake tabs: says what it was told to say, in order, and remembers what it was asked."""

    def __init__(self) -> None:
        self._script: dict[tuple[str, str], deque[Reply | Exception]] = defaultdict(deque)
        self._always: dict[tuple[str, str], Reply | Exception] = {}
        self.calls: list[tuple[str, PageRequest]] = []
        self.sent: list[tuple[str, PageRequest]] = []
        self.responses: list[FakeResponse] = []
        self.renews_nothing: set[str] = set()  # accounts whose page stays as it is when it is loaded anew
        self.loaded: list[str] = []  # accounts whose page was loaded anew
        self.load_errors: dict[str, deque[Exception]] = defaultdict(deque)
        self.clock = FakeClock(0.0)

    def script(self, account_id: str, *replies: Reply | Exception, call: str = "completion") -> None:
        """Give the account these replies to its next calls; an exception is raised by the call itself."""
        self._script[account_id, call].extend(replies)

    def forget_script(self) -> None:
        """Say what it says without a script again."""
        self._script.clear()

    def always(self, account_id: str, reply: Reply | Exception, call: str = "completion") -> None:
        """Give the account this reply whenever nothing else is scripted."""
        self._always[account_id, call] = reply

    def ask(self, account_id: str, request: PageRequest) -> FakeResponse:
        self.calls.append((account_id, request))
        key = (account_id, kind_of(request))
        default = {"models": MODELS, "new_chat": NEW_CHAT, "completion": answer("Hello", " world")}.get(key[1], EMPTY)
        reply = self._script[key].popleft() if self._script[key] else self._always.get(key, default)
        if isinstance(reply, Exception):
            raise reply
        response = FakeResponse(reply, self.clock)
        self.responses.append(response)
        return response

    def load(self, account_id: str) -> None:
        """Load the page of an account anew, or fail to in the way that was ordered."""
        self.loaded.append(account_id)
        if self.load_errors[account_id]:
            raise self.load_errors[account_id].popleft()

    def asked(self, call: str = "completion") -> list[str]:
        """Return the accounts that made such a call, in order."""
        return [account_id for account_id, request in self.calls if kind_of(request) == call]

    def questions(self) -> list[dict[str, Any]]:
        """Return the bodies of all completions, in order."""
        return [json.loads(request.body or "") for _, request in self.calls if kind_of(request) == "completion"]


def kind_of(request: PageRequest) -> str:
    """Tell which of the site's calls this is."""
    if request.path.startswith("/api/v2/chat/completions/stop"):
        return "stop"
    if request.path.startswith("/api/v2/chat/completions?"):
        return "completion"
    for start, kind in (
        ("/api/v2/task/status/", "task"),
        ("/api/v1/tasks/status/", "flat_task"),
        ("/api/v2/users/user/entitlement_quota", "quota"),
        ("/api/v2/users/user/settings", "settings"),
        ("/api/v2/tts/completions?", "speech"),
        ("/api/v2/chats/up-", "rewrite" if request.method == "POST" else "chat"),
    ):
        if request.path.startswith(start):
            return kind
    return {"/api/v2/models/": "models", "/api/v2/chats/new": "new_chat"}[request.path]
