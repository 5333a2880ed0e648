"""A whole server over a scripted site that numbers its chats and lets go of them: for tests of chats that are kept."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from fake_site import FakeResponse, FakeSite, kind_of
from fake_tabs import FakeOpener
from replies import JSON, Reply
from werkzeug.test import TestResponse

from qwenproxy.accounts.pool import AccountPool, PoolLimits
from qwenproxy.accounts.registry import Registry
from qwenproxy.api.wiring import CONVERSATIONS, FILMS
from qwenproxy.app import create_app
from qwenproxy.browser.page import PageRequest
from qwenproxy.config import Config
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.relay.attempts import Attempts
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.relay.questions import Relay, RelaySettings

DELETED = Reply(('{"success":true,"data":{"status":true}}',), headers=JSON)


class ChatSite(FakeSite):
    """Makes chats up-1, up-2 ... and remembers the deleted ones, as (account, chat)."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.deleted: list[tuple[str, str]] = []
        self.delete_replies: list[Reply | Exception] = []
        self._changed = threading.Condition()

    def ask(self, account_id: str, request: PageRequest) -> FakeResponse:
        if request.method == "DELETE":
            return self._delete(account_id, request)
        if kind_of(request) == "new_chat" and not self._script[account_id, "new_chat"]:
            self.made += 1
            named = json.dumps({"success": True, "data": {"id": f"up-{self.made}"}})
            self.script(account_id, Reply((named,), headers=JSON), call="new_chat")
        return super().ask(account_id, request)

    def wait_for_deletions(self, *chats: tuple[str, str]) -> None:
        """Return once exactly these were asked for, in any order."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.deleted) >= len(chats), 10), self.deleted
        assert sorted(self.deleted) == sorted(chats)

    def texts(self) -> list[str]:
        """Return the text of each question."""
        return [question["messages"][0]["content"] for question in self.questions()]

    def places(self) -> list[tuple[str, str, str | None]]:
        """Return (account, chat, parent) of each question."""
        bodies = [(question["chat_id"], question["parent_id"]) for question in self.questions()]
        return [(account_id, *body) for account_id, body in zip(self.asked(), bodies, strict=True)]

    def _delete(self, account_id: str, request: PageRequest) -> FakeResponse:
        reply = self.delete_replies.pop(0) if self.delete_replies else DELETED
        if not isinstance(reply, Exception):
            response = FakeResponse(reply)
            self.responses.append(response)
        with self._changed:
            self.deleted.append((account_id, request.path.rpartition("/")[2]))
            self._changed.notify_all()
        if isinstance(reply, Exception):
            raise reply
        return response


class KeptChats:
    """The server and its site. `client` asks it; accounts are named a, b, c ..."""

    def __init__(
        self,
        session_dir: Path,
        registry: Registry,
        clock: Callable[[], float],
        pause: Callable[[float], None],
        site: ChatSite | None = None,
    ) -> None:
        self.session_dir = session_dir
        self.site = site or ChatSite()
        self.registry = registry
        self.clock = clock
        self._pause = pause
        self._pool: AccountPool | None = None

    def start(self, accounts: int = 1, **options: object) -> KeptChats:
        """Start the server with so many accounts, or start it again; settings by name."""
        self.close()
        for name in "abcdef"[:accounts]:
            if self.registry.get(name) is None:
                self.registry.add(f"token-{name}", name)
        self.deletions = UpstreamDeletions.open(SessionFolder(self.session_dir).deletions, self.registry, self.clock)
        self.opener = FakeOpener(self.site)
        limits = PoolLimits(idle_browser=0, account_concurrency=8)
        watched = self.deletions.watch(cast(Any, self.opener))
        self._pool = AccountPool(self.registry, watched, limits, clock=self.clock)
        self._pool.start()
        config = Config.load({"session_dir": str(self.session_dir), **options}, {})
        settings = RelaySettings(config.default_model, clock=self.site.clock)
        self.app = create_app(config, Relay(Attempts(self._pool, self._pause), settings, self.deletions))
        self.history = self.app.extensions[CONVERSATIONS].history
        self.client = self.app.test_client()
        return self

    def close(self) -> None:
        if self._pool:
            self.app.extensions[FILMS].close(10)
            self._pool.close()
            self.deletions.wait_idle(10)

    def say(self, message: object, **more: object) -> TestResponse:
        """Return the answer of POST /api/chat, read to its end."""
        return self.client.post("/api/chat", json={"message": message, **more}, buffered=True)

    def begin(self, message: object = "Hello?", **more: object) -> str:
        """Say something in a new chat; return its id."""
        chat_id: str = json.loads(self.say(message, **more).text)["chatId"]
        return chat_id

    def path(self, chat_id: str) -> Path:
        """Return the chat's file."""
        return self.session_dir / "history" / f"{chat_id}.json"

    def files(self) -> list[str]:
        """Return the ids of all chats on the disk."""
        return sorted(path.stem for path in (self.session_dir / "history").glob("*.json"))

    def kept(self, chat_id: str) -> list[tuple[str, object]]:
        """Return role and content of the chat's messages, as they are on the disk."""
        messages = json.loads(self.path(chat_id).read_text())["messages"]
        return [(message["role"], message["content"]) for message in messages]


def folded(text: str) -> list[str]:
    """Return the messages of a folded conversation as `role: text`."""
    key = re.search(r"the key (\w{12})", text)
    assert key, text
    found = re.findall(rf"^\[(\w+) {key[1]}\](?:\n(.*?))??(?=\n\n\[\w+ {key[1]}\]|\Z)", text, re.MULTILINE | re.DOTALL)
    return [f"{role}: {content}" for role, content in found]


def full_disk(path: Path, data: bytes) -> None:
    """Stand in for `files.write_atomic`."""
    raise SetupError(f"cannot write {path.name}: the disk is full")
