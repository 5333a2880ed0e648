"""Stand-ins for the browser side: a scripted site, the tabs that reach it, and the opener the pool asks for tabs.

Nothing here waits: a second of silence is a "" that comes at once and moves the site's own clock, so a test says how
much silence there is, and how much time passes.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from transcripts import CREATED, counts, delta, end

from qwenproxy.accounts.account import Account
from qwenproxy.browser.page import Head, PageRequest
from qwenproxy.chat import ChatRequest, Finish, Message, Text, TextPart
from qwenproxy.errors import SetupError, TabLost, UpstreamTimeout
from qwenproxy.relay.run import ChatRun

NOW = 1_760_000_000.0
ORIGIN = "https://site.example"
STREAM = {"content-type": "text/event-stream; charset=utf-8"}
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html"}
TICK = ""  # a second of silence
FOREVER = float("inf")


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Reply:
    """What the site says to one call. A chunk is text, TICK, or an error to raise at that place.

    `head_after` counts the seconds until status and headers come; `endless` lets silence follow the last chunk. Each
    chunk of text takes `pace` seconds.
    """

    chunks: Iterable[object] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: STREAM)
    head_after: float = 0
    endless: bool = False
    pace: float = 0


def answer(*texts: str) -> Reply:
    """Return a complete answer with these texts, each counted as one token more."""
    frames = [delta(text, usage=counts(7, number)) for number, text in enumerate(texts, 1)]
    return Reply((CREATED, *frames, end()))


def refusal(code: str, details: str = "", status: int = 429, **more: object) -> Reply:
    """Return an error envelope of protocol 6.1."""
    body = {"success": False, "request_id": "r", "data": {"code": code, "details": details, **more}}
    return Reply((json.dumps(body),), headers={**JSON, "x-actual-status-code": str(status)})


RATE_LIMITED = refusal("RateLimited", "You've reached the upper limit for today's usage.", num=6)
TOO_FAST = refusal("RateLimited", "We are currently experiencing high demand.")
LOGGED_OUT = refusal("Unauthorized", "Token has expired", status=401)
BUSY = refusal("Bad_Request", "The chat is in progress!", status=400)
REFUSED_CONTENT = refusal("data_inspection_failed", "Input data may contain inappropriate content.", status=400)
CAPTCHA = Reply(('{"ret":["FAIL_SYS_USER_VALIDATE","RGV587_ERROR::SM::x"],"data":{}}',), 200, JSON)
WAF_PAGE = Reply(("<!doctypehtml><meta name=aliyun_waf_aa>",), 200, HTML)
GATEWAY_DOWN = Reply(("<html>502</html>",), 502, HTML)
UNKNOWN_FORM = Reply(('{"hello":"world"}',), 200, JSON)
EMPTY = Reply()
STARTED_ONLY = Reply((CREATED,))
CUT = Reply((CREATED, delta("Half an ans")))
MODELS = Reply(
    (
        json.dumps(
            {
                "success": True,
                "data": {
                    "data": [
                        {"id": name, "name": name.title(), "info": {"is_active": True, "created_at": 1770000000}}
                        for name in ("qwen3.8-max", "qwen3.7-plus", "qwen3-coder-plus")
                    ]
                },
            }
        ),
    ),
    headers=JSON,
)
NEW_CHAT = Reply((json.dumps({"success": True, "data": {"id": "chat-1"}}),), headers=JSON)


class FakeResponse:
    """A PageResponse that follows a Reply."""

    def __init__(self, reply: Reply, clock: FakeClock | None = None) -> None:
        self._reply = reply
        self._clock = clock or FakeClock()
        self._head_after = reply.head_after
        self._on_complete: Callable[[], None] = lambda: None
        self.closed = False

    def head(self, wait: float) -> Head | None:
        if self._head_after > 0:
            self._head_after -= 1
            self._clock.now += 1
            return None
        return Head(self._reply.status, self._reply.headers)

    def iter_text(self) -> Iterator[str]:
        for chunk in self._reply.chunks:
            if isinstance(chunk, BaseException):
                raise chunk
            self._clock.now += self._reply.pace if chunk else 1
            yield str(chunk)
        while self._reply.endless:
            self._clock.now += 1
            yield TICK
        self._on_complete()

    def read(self, read_timeout: float) -> str:
        if self._reply.endless:
            raise UpstreamTimeout("The answer never ends.")
        return "".join(self.iter_text())

    def when_complete(self, call: Callable[[], None]) -> None:
        self._on_complete = call

    def close(self) -> None:
        self.closed = True


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

    def always(self, account_id: str, reply: Reply | Exception, call: str = "completion") -> None:
        """Give the account this reply whenever nothing else is scripted."""
        self._always[account_id, call] = reply

    def ask(self, account_id: str, request: PageRequest) -> FakeResponse:
        self.calls.append((account_id, request))
        key = (account_id, kind_of(request))
        default = {"models": MODELS, "new_chat": NEW_CHAT, "completion": answer("Hello", " world")}[key[1]]
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
    return {"/api/v2/models/": "models", "/api/v2/chats/new": "new_chat"}[request.path]


class FakeTab:
    """An open tab of one account."""

    def __init__(self, account: Account, site: FakeSite, opener: FakeOpener) -> None:
        self.account_id = account.id
        self.origin = ORIGIN
        self.token = account.token
        self.alive = True
        self.closed = False
        self.loads = 0
        self.age = 0.0  # seconds since the page was loaded
        self.distrusted = False
        self.renewable = True
        self.unrenewed = False
        self._site = site
        self._opener = opener

    def fetch(self, request: PageRequest) -> FakeResponse:
        if not self.alive:
            raise TabLost("The tab is gone.")
        return self._site.ask(self.account_id, request)

    @property
    def is_fit(self) -> bool:
        return not self.distrusted

    def make_fit(self) -> None:
        if self.distrusted:
            self.renew(self.loads)

    def renew(self, seen: int, *, suspect: bool = False) -> bool:
        if seen != self.loads:
            return False
        self.distrusted = False
        self.loads += 1
        self.unrenewed = suspect and self.account_id in self._site.renews_nothing
        self._site.load(self.account_id)
        return True

    def distrust(self) -> None:
        self.distrusted = True

    def send(self, request: PageRequest) -> None:
        self._site.sent.append((self.account_id, request))

    def close(self) -> None:
        self._opener.close_gates.get(self.account_id, _OPEN).wait(10)
        if not self.closed:
            self.closed = True
            self.alive = False
            self._opener.note_closed(self)


class FakeOpener:
    """Opens fake tabs; refuses, as a real profile would, to open an account that is open."""

    def __init__(self, site: FakeSite) -> None:
        self.site = site
        self.opened: list[str] = []
        self.tabs: dict[str, FakeTab] = {}
        self.most_open = 0
        self.errors: dict[str, deque[Exception]] = defaultdict(deque)
        self.open_gates: dict[str, threading.Event] = {}
        self.close_gates: dict[str, threading.Event] = {}
        self.opening = threading.Event()  # set when an opening begins
        self._lock = threading.Lock()

    def __call__(self, account: Account) -> FakeTab:
        self.opening.set()
        self.open_gates.get(account.id, _OPEN).wait(10)
        if self.errors[account.id]:
            raise self.errors[account.id].popleft()
        with self._lock:
            if account.id in self.tabs:
                raise SetupError(f"The browser profile of {account.id} is in use.")
            tab = self.tabs[account.id] = FakeTab(account, self.site, self)
            self.opened.append(account.id)
            self.most_open = max(self.most_open, len(self.tabs))
        return tab

    def note_closed(self, tab: FakeTab) -> None:
        with self._lock:
            del self.tabs[tab.account_id]


_OPEN = threading.Event()
_OPEN.set()


def jwt(**claims: object) -> str:
    """Return a token as the site makes them (protocol 1.3), with a signature nobody checks."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "c2ln"])


def ask(text: str = "Hello?", *, streamed: bool = True, **more: Any) -> ChatRequest:
    """Return a request of one question."""
    return ChatRequest((Message("user", (TextPart(text),)),), streamed=streamed, **more)


def said(run: ChatRun) -> str:
    """Return the whole text of an answer that must be complete."""
    with run:
        events = list(run)
    assert isinstance(events[-1], Finish)
    return "".join(event.text for event in events if isinstance(event, Text))
