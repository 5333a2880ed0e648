"""GET /api/status: how the accounts are, as the registry knows it and nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from clocks import FakeClock
from fake_site import FakeSite
from fake_tabs import FakeOpener
from flask.testing import FlaskClient
from jwts import jwt
from kept_chats import KeptChats
from openapi_checks import check

from qwenproxy.accounts.account import iso_text
from qwenproxy.accounts.proxies import Proxies
from qwenproxy.accounts.registry import Registry
from qwenproxy.accounts.standing import rest_until
from qwenproxy.api.wiring import RELAY
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.errors import RateLimited
from qwenproxy.texts import Phrase


@pytest.fixture
def client(make_client: Callable[..., FlaskClient]) -> FlaskClient:
    return make_client(0)


def test_no_account(client: FlaskClient) -> None:
    response = client.get("/api/status")
    assert response.text == '{"authenticated":false,"accounts":[]}'
    assert response.mimetype == "application/json"


def test_every_status(client: FlaskClient, registry: Registry) -> None:
    for name in ("fine", "resting", "rested", "out", "expired"):
        registry.add(jwt(id=name, exp=int(time.time()) + (-5 if name == "expired" else 3600)), name)
    registry.rest("resting", until=4_102_444_800.5)
    registry.rest("rested", until=time.time() - 60)
    registry.mark_invalid("out")
    assert client.get("/api/status").get_json() == {
        "authenticated": True,
        "accounts": [
            {"id": "fine", "status": "OK", "resetAt": None},
            {"id": "resting", "status": "WAIT", "resetAt": "2100-01-01T00:00:00.500Z"},
            {"id": "rested", "status": "OK", "resetAt": None},
            {"id": "out", "status": "INVALID", "resetAt": None},
            {"id": "expired", "status": "INVALID", "resetAt": None},
        ],
    }


def test_what_keeps_a_browser_from_starting_is_told(client: FlaskClient, registry: Registry) -> None:
    registry.add("token", "a")
    trouble = Phrase("browser_late", path="/usr/bin/chromium", seconds="14", cure=Phrase("cure_late", log="chrome.log"))
    registry.rest("a", time.time() + 60, "browser", trouble)
    [account] = client.get("/api/status").get_json()["accounts"]
    assert account["status"] == "WAIT"
    assert account["reason"].startswith("chromium ")
    registry.rest("a", time.time() + 3600)
    [account] = client.get("/api/status").get_json()["accounts"]
    assert "reason" not in account


def test_a_resting_account_is_still_logged_in(client: FlaskClient, registry: Registry) -> None:
    registry.add("token", "a")
    registry.rest("a", until=time.time() + 60)
    assert client.get("/api/status").get_json()["authenticated"] is True
    registry.mark_invalid("a")
    assert client.get("/api/status").get_json()["authenticated"] is False


def test_asking_costs_nothing_and_tells_no_token(
    client: FlaskClient, registry: Registry, opener: FakeOpener, site: FakeSite
) -> None:
    registry.add(jwt(id="secret-id"), "a")
    for path in ("/api/status", "/health"):
        text = client.get(path).text
        assert "eyJ" not in text
    assert opener.opened == []
    assert site.calls == []


def test_the_ids_are_not_for_strangers(client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "session" / "Authorization.txt").write_text("key-1\n")
    assert client.get("/api/status").status_code == 401
    assert client.get("/api/status", headers={"Authorization": "Bearer key-1"}).status_code == 200


def test_a_proxy_is_shown_without_its_password(client: FlaskClient, registry: Registry) -> None:
    registry.add("token", "a")
    registry.add("token-2", "b")
    Proxies(registry).change("a", ProxyAddress.parse("socks5://anna:s3cret@proxy.example:1080"))
    answer = client.get("/api/status")
    assert [one.get("proxy") for one in answer.get_json()["accounts"]] == ["socks5://proxy.example:1080", None]
    registry.folder("a").proxy.write_text("http://anna:s3cret@")
    second = client.get("/api/status")
    assert second.get_json()["accounts"][0]["proxy"] == "unreadable"
    assert "anna" not in answer.text + second.text


def test_what_an_account_may_not_do_now_is_told(chats: KeptChats, clock: FakeClock) -> None:
    chats.start(accounts=2)
    pool = chats.app.extensions[RELAY].pool
    for account, kind in (("a", "t2i"), ("a", "tts"), ("b", "tts")):
        error = RateLimited("Used up.", for_today=True)
        error.kind = kind
        pool.note_refusal(account, error)
    back = iso_text(rest_until(RateLimited("", for_today=True), clock()))
    first, second = chats.client.get("/api/status").get_json()["accounts"]
    assert first == {"id": "a", "status": "OK", "resetAt": None, "resting": {"t2i": back, "tts": back}}
    assert second == {"id": "b", "status": "OK", "resetAt": None, "resting": {"tts": back}}
    health = chats.client.get("/health").get_json()
    assert health == {"status": "ok", "accounts": {"OK": 2, "WAIT": 0, "INVALID": 0}, "resting": {"tts": back}}
    check("Health", health)
    chats.registry.rest("b", clock() + 60)
    assert chats.client.get("/health").get_json()["resting"] == {"t2i": back, "tts": back}
    clock.now += 86400 + 600
    assert "resting" not in chats.client.get("/api/status").text + chats.client.get("/health").text
