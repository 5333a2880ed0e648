"""The whole way of a file without a browser: routes, relay and uploads over tabs that call the sandbox by HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from fake_site import FakeResponse
from flask.testing import FlaskClient
from replies import Reply
from sandbox_caller import trust

from qwenproxy.accounts.account import Account
from qwenproxy.accounts.pool import AccountPool, PoolLimits
from qwenproxy.accounts.registry import Registry
from qwenproxy.app import create_app
from qwenproxy.browser.page import PageRequest
from qwenproxy.config import Config
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.relay.attempts import Attempts
from qwenproxy.relay.questions import Relay, RelaySettings
from qwenproxy.sandbox import Sandbox
from qwenproxy.uploads.ledger import Ledger
from qwenproxy.uploads.remote import RemoteFetcher
from qwenproxy.uploads.uploader import Uploader

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(64))
PDF = b"%PDF-1.7\n" + bytes(range(64))
TEXT = "Привет, мир\n".encode()


class SandboxTab:
    """A tab that makes an account's calls as the page would, each read to its end at once."""

    def __init__(self, site: Sandbox, account: Account) -> None:
        self.token = account.token
        self.origin = site.base_url
        self.alive = True
        self.loads = 0
        self.is_fit = self.is_current = True
        self.renewable = self.unrenewed = False
        self.age = 0.0
        self._site = site
        self._owner = next(each for each in site.accounts if each.id == account.id)
        self._http = httpx.Client(http2=True, verify=trust(site), base_url=site.base_url, timeout=30, trust_env=False)

    def fetch(self, request: PageRequest) -> FakeResponse:
        headers = {**self._site.page_headers(self._owner), **request.headers}
        answer = self._http.request(request.method, request.path, headers=headers, content=request.body)
        return FakeResponse(Reply((answer.text,), answer.status_code, dict(answer.headers)))

    def give_up(self) -> None:
        self.alive = False

    def make_fit(self) -> None:
        pass

    def renew(self, seen: int, *, suspect: bool = False) -> bool:
        self.loads += 1
        return True

    def send(self, request: PageRequest) -> None:
        self.fetch(request).close()

    def close(self) -> None:
        self.alive = False
        self._http.close()


class Stack:
    """A proxy over the sandbox."""

    def __init__(
        self,
        site: Sandbox,
        session_dir: Path,
        fetcher: RemoteFetcher | None = None,
        pause: Callable[[float], None] = time.sleep,
        **settings: str,
    ) -> None:
        self.site = site
        self.session_dir = session_dir
        self.registry = Registry.open(SessionFolder(session_dir))
        for account in site.accounts:
            if self.registry.get(account.id) is None:
                self.registry.add(account.token, account.id)
        config = Config.load({"session_dir": str(session_dir), **settings}, {})
        self._pool = AccountPool(self.registry, self._open, PoolLimits(idle_browser=0))
        self._pool.start()
        uploader = Uploader(
            Ledger.open(SessionFolder(session_dir), self._now),
            config.max_file_size,
            fetcher=fetcher,
            clock=self._now,
        )
        relay = Relay(Attempts(self._pool, pause), RelaySettings(), uploader=uploader)
        self.client: FlaskClient = create_app(config, relay).test_client()

    def close(self) -> None:
        self._pool.close()

    def _now(self) -> float:
        return time.time() + self.site.switches.clock_ahead_s

    def _open(self, account: Account) -> Any:
        # Any, because the pool asks for the class whose place a SandboxTab takes.
        return SandboxTab(self.site, account)

    def upload(self, name: str, data: bytes) -> Any:
        body, content_type = form_with(file=(name, data))
        return self.client.post("/api/files/upload", data=body, content_type=content_type)

    def uploaded(self, name: str, data: bytes) -> dict[str, Any]:
        answer = self.upload(name, data)
        assert answer.status_code == 200, answer.text
        file: dict[str, Any] = answer.get_json()["file"]
        return file

    def ask(self, *parts: dict[str, Any] | str, path: str = "/v1/chat/completions") -> Any:
        content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
        return self.client.post(path, json={"messages": [{"role": "user", "content": content}]})

    def seen(self, *parts: dict[str, Any] | str) -> list[dict[str, Any]]:
        """Return the `files` entries that the model saw with a question of these parts."""
        answer = self.ask("{{echo}}", *parts)
        assert answer.status_code == 200, answer.text
        context = json.loads(answer.get_json()["choices"][0]["message"]["content"])
        files: list[dict[str, Any]] = context[-1]["files"]
        return files

    def only(self, account_id: str) -> None:
        """Let every account but this one rest."""
        for account in self.registry.all():
            if account.id == account_id:
                self.registry.mark_ok(account.id)
            else:
                self.registry.rest(account.id, until=4e9)

    def kept(self) -> list[str]:
        """Return the names of the contents at hand."""
        folder = self.session_dir / "uploads"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def form_with(**files: tuple[str, bytes]) -> tuple[bytes, str]:
    """Return a form's body and Content-Type; made by hand, because the test client's own goes by way of the disk."""
    head = '--B\r\nContent-Disposition: form-data; name="{}"; filename="{}"\r\n\r\n'
    parts = [head.format(field, name).encode() + data + b"\r\n" for field, (name, data) in files.items()]
    return b"".join([*parts, b"--B--\r\n"]), "multipart/form-data; boundary=B"


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def file_part(url: str) -> dict[str, Any]:
    return {"type": "file", "file": url}
