"""A client that speaks to the sandbox as its page would, and readers for what comes back."""

from __future__ import annotations

import json
import ssl
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from qwenproxy.sandbox import Sandbox, SandboxAccount, Switches

COMPLETIONS = "/api/v2/chat/completions"


class Caller:
    """Makes the calls a page would make, as one account."""

    def __init__(self, site: Sandbox, account: SandboxAccount) -> None:
        self.site = site
        self.account = account
        self.http = httpx.Client(http2=True, verify=trust(site), base_url=site.base_url, timeout=20)

    def close(self) -> None:
        self.http.close()

    def call(self, method: str, path: str, body: Any = None, **headers: str | None) -> httpx.Response:
        """Make a call; a header given as None is left out. Underscores in names stand for hyphens."""
        own_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        all_headers = {**self.site.page_headers(self.account), **own_headers}
        real_headers = {name: value for name, value in all_headers.items() if value is not None}
        return self.http.request(method, path, json=body, headers=real_headers)

    def new_chat(self) -> str:
        answer = self.call("POST", "/api/v2/chats/new", {"title": "A chat", "models": ["qwen3.7-plus"]})
        return str(answer.json()["data"]["id"])

    def ask(self, text: Any, chat: str | None = None, **changes: Any) -> httpx.Response:
        """Ask in a chat (default: a new one) and read the whole answer."""
        body = payload(chat or self.new_chat(), text, **changes)
        return self.call("POST", f"{COMPLETIONS}?chat_id={body['chat_id']}", body)

    def say(self, text: Any, **changes: Any) -> str:
        return answer_text(self.ask(text, **changes))


class Visitor:
    """A client at the sign-in host, with the refresh cookie of its login."""

    def __init__(self, site: Sandbox, refresh_token: str = "") -> None:
        self.site = site
        self.refresh_token = refresh_token
        self.http = httpx.Client(http2=True, verify=trust(site), base_url=site.sign_in_url, timeout=20)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def call(self, method: str, path: str, body: Any = None, **headers: str | None) -> httpx.Response:
        """Make a call with the cookie, and keep the one it sets; a header given as None is left out."""
        all_headers = {"cookie": f"refresh_token={self.refresh_token}" if self.refresh_token else None, **headers}
        real_headers = {name.replace("_", "-"): value for name, value in all_headers.items() if value is not None}
        answer = self.http.request(method, path, json=body, headers=real_headers)
        self.http.cookies.clear()
        fresh_token = answer.cookies.get("refresh_token")
        if fresh_token is not None:
            self.refresh_token = fresh_token
        return answer

    def sign_in(self, account: SandboxAccount) -> str:
        """Sign in by the form's call; return the access token."""
        body = {"email": account.email, "password": account.password_hash, "login_type": "email"}
        return str(self.call("POST", "/api/v2/auths/signin", body).json()["data"]["access_token"])

    def refresh(self, **headers: str | None) -> httpx.Response:
        """Use the refresh cookie as the site's page does, but for the marks of a browser."""
        page_headers = {
            "version": "0.3.12",
            "source": "web",
            "timezone": "Wed Mar 04 2026 17:24:38 GMT+0800",
            "x_request_id": str(uuid.uuid4()),
            "x_request_origin": self.site.base_url,
        }
        return self.call("GET", "/api/v2/auths/refresh", **{**page_headers, **headers})

    def new_token(self) -> str:
        """Use the refresh cookie; return the new access token."""
        return str(self.refresh().json()["data"]["access_token"])


def sandbox_fixtures(accounts: int, **switches: Any) -> tuple[Any, Any, Any]:
    """Return the fixtures `running`, `site` and `caller` of a module: one sandbox, cleared for each test."""

    @pytest.fixture(scope="module")
    def running() -> Iterator[Sandbox]:
        with Sandbox(accounts, switches=Switches(interval_ms=1, **switches)) as site:
            yield site

    @pytest.fixture
    def site(running: Sandbox) -> Iterator[Sandbox]:
        running.clear()
        yield running
        running.wait_idle()
        running.clear()

    @pytest.fixture
    def caller(site: Sandbox) -> Iterator[Caller]:
        caller = Caller(site, site.accounts[0])
        yield caller
        caller.close()

    return running, site, caller


def trust(site: Sandbox) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=site.certificate)
    # what Python 3.13 does by default
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def payload(chat: str, text: Any, **changes: Any) -> dict[str, Any]:
    """Return a complete body; `features` and `message` change inner parts, the rest outer ones; ... leaves one out."""
    model = changes.pop("model", "qwen3.7-plus")
    parent_id = changes.pop("parent_id", None)
    message = {
        "id": None,
        "fid": str(uuid.uuid4()),
        "parentId": parent_id,
        "parent_id": parent_id,
        "childrenIds": [str(uuid.uuid4())],
        "role": "user",
        "content": text,
        "user_action": "chat",
        "files": [],
        "timestamp": 1790000000,
        "models": [model],
        "model": "",
        "chat_type": "t2t",
        "sub_chat_type": "t2t",
        "feature_config": {
            "thinking_enabled": False,
            "output_schema": "phase",
            **changes.pop("features", {}),
        },
        "extra": {"meta": {"subChatType": "t2t"}},
        **changes.pop("message", {}),
    }
    body = {
        "stream": True,
        "version": "2.1",
        "incremental_output": True,
        "chat_id": chat,
        "chat_mode": "normal",
        "model": model,
        "parent_id": parent_id,
        "messages": [message],
        "timestamp": 1790000000,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def frames(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the frames of a stream, parsed."""
    return [json.loads(block[5:]) for block in answer.text.split("\n\n") if block.startswith("data:")]


def deltas(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the deltas of a stream, of all phases."""
    return [frame["choices"][0]["delta"] for frame in frames(answer) if "choices" in frame]


def answer_text(answer: httpx.Response, phase: str = "answer") -> str:
    """Return the text of one phase of a stream."""
    return "".join(delta["content"] for delta in deltas(answer) if delta.get("phase") == phase)


def refusal(answer: httpx.Response) -> tuple[str, str, str]:
    """Return status of the header, code and details."""
    data = answer.json()["data"]
    assert answer.status_code == 200
    assert answer.json()["success"] is False
    return answer.headers["x-actual-status-code"], data["code"], data["details"]
