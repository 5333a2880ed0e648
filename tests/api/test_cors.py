"""What web pages may do: read with permission, never change anything without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qwenproxy.api.cors import is_loopback_origin

PAGE = "https://page.example"
CHAT = "/v1/chat/completions"
ASK = {"messages": [{"role": "user", "content": "Hello?"}]}
FOREIGN = ("https://page.example", "http://127.0.0.1.page.example", "null", "file://", "https://[::1", "x", "")
LOOPBACK = ("http://localhost:5173", "https://localhost", "http://127.0.0.1:8080", "http://[::1]:3000")


@pytest.fixture
def client_for(make_client: Callable[..., FlaskClient]) -> Callable[..., FlaskClient]:
    """Return a maker of clients of a server that allows some origins."""
    return lambda origins="": make_client(config={"cors_origins": origins})


def allowed_origin(response: TestResponse) -> str | None:
    return response.headers.get("Access-Control-Allow-Origin")


def preflight(client: FlaskClient, origin: str = PAGE, path: str = CHAT, **headers: Any) -> TestResponse:
    request_headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return client.options(path, headers={**request_headers, **headers})


class TestForeignPages:
    @pytest.mark.parametrize("origin", FOREIGN)
    def test_they_change_nothing(self, client_for: Callable[..., FlaskClient], site: FakeSite, origin: str) -> None:
        response = client_for().post(CHAT, json=ASK, headers={"Origin": origin})
        assert (response.status_code, response.get_json()["error"]["code"]) == (403, "forbidden_host")
        assert site.calls == []

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    def test_not_by_any_method_nor_on_any_path(self, client_for: Callable[..., FlaskClient], method: str) -> None:
        response = client_for().open("/api/nothing", method=method, headers={"Origin": PAGE})
        assert (response.status_code, response.get_json()["code"]) == (403, "forbidden_host")

    def test_they_open_no_socket(self, client_for: Callable[..., FlaskClient]) -> None:
        headers = {"Origin": PAGE, "Connection": "Upgrade", "Upgrade": "websocket"}
        response = client_for().get("/api/ws", headers=headers)
        assert (response.status_code, response.get_json()["code"]) == (403, "forbidden_host")

    def test_a_key_does_not_help(self, client_for: Callable[..., FlaskClient], tmp_path: Path) -> None:
        client = client_for()
        (tmp_path / "session" / "Authorization.txt").write_text("key-1\n")
        response = client.post(CHAT, json=ASK, headers={"Origin": PAGE, "Authorization": "Bearer key-1"})
        assert response.status_code == 403

    def test_the_configured_ones_are_not_foreign(self, client_for: Callable[..., FlaskClient]) -> None:
        client = client_for(f"{PAGE}, https://other.example")
        assert client.post(CHAT, json=ASK, headers={"Origin": PAGE}).status_code == 200
        assert client.post(CHAT, json=ASK, headers={"Origin": "https://third.example"}).status_code == 403

    @pytest.mark.parametrize("origin", LOOPBACK)
    def test_pages_of_this_machine_are_not_foreign(self, client_for: Callable[..., FlaskClient], origin: str) -> None:
        assert client_for().post(CHAT, json=ASK, headers={"Origin": origin}).status_code == 200

    def test_programs_send_no_origin(self, client_for: Callable[..., FlaskClient]) -> None:
        assert client_for().post(CHAT, json=ASK).status_code == 200


class TestPermission:
    @pytest.mark.parametrize("origin", [PAGE, *LOOPBACK])
    def test_none_unless_configured(self, client_for: Callable[..., FlaskClient], origin: str) -> None:
        client = client_for()
        for response in (client.get("/v1/models", headers={"Origin": origin}), preflight(client, origin)):
            assert response.status_code == 200
            assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]

    def test_to_read(self, client_for: Callable[..., FlaskClient]) -> None:
        response = client_for(PAGE).get("/v1/models", headers={"Origin": PAGE})
        assert allowed_origin(response) == PAGE
        assert response.headers["Vary"] == "Origin"
        exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
        assert {"x-request-id", "x-should-retry", "retry-after"} <= set(exposed)
        assert "Access-Control-Allow-Credentials" not in response.headers

    def test_to_read_errors_too(self, client_for: Callable[..., FlaskClient], tmp_path: Path) -> None:
        client = client_for(PAGE)
        (tmp_path / "session" / "Authorization.txt").write_text("key-1\n")
        response = client.post(CHAT, json=ASK, headers={"Origin": PAGE})
        assert (response.status_code, allowed_origin(response)) == (401, PAGE)

    def test_to_read_a_stream(self, client_for: Callable[..., FlaskClient]) -> None:
        response = client_for(PAGE).post(CHAT, json={**ASK, "stream": True}, headers={"Origin": PAGE})
        assert (response.mimetype, allowed_origin(response)) == ("text/event-stream", PAGE)
        response.close()

    def test_not_to_others(self, client_for: Callable[..., FlaskClient]) -> None:
        response = client_for(PAGE).get("/v1/models", headers={"Origin": "https://other.example"})
        assert allowed_origin(response) is None
        assert response.headers["Vary"] == "Origin"

    def test_caches_learn_that_the_origin_matters_before_one_is_sent(
        self, client_for: Callable[..., FlaskClient]
    ) -> None:
        assert client_for(PAGE).get("/v1/models").headers["Vary"] == "Origin"

    def test_to_everybody_only_where_that_was_configured(self, client_for: Callable[..., FlaskClient]) -> None:
        client = client_for("*")
        assert allowed_origin(client.get("/v1/models", headers={"Origin": PAGE})) == "*"
        assert client.post(CHAT, json=ASK, headers={"Origin": PAGE}).status_code == 200


class TestPreflight:
    def test_of_a_configured_page(self, client_for: Callable[..., FlaskClient], tmp_path: Path) -> None:
        client = client_for(PAGE)
        # a preflight never carries a key
        (tmp_path / "session" / "Authorization.txt").write_text("key-1\n")
        response = preflight(client, **{"Access-Control-Request-Headers": "authorization,content-type"})
        assert response.status_code == 200
        assert allowed_origin(response) == PAGE
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert response.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
        assert int(response.headers["Access-Control-Max-Age"]) > 0
        assert set(response.vary) == {"Origin", "Access-Control-Request-Headers"}

    def test_names_the_methods_of_the_route(self, client_for: Callable[..., FlaskClient]) -> None:
        response = preflight(client_for(PAGE), path="/v1/models")
        assert response.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"

    def test_of_a_foreign_page(self, client_for: Callable[..., FlaskClient]) -> None:
        response = preflight(client_for(PAGE), "https://other.example")
        assert allowed_origin(response) is None
        assert "Access-Control-Allow-Methods" not in response.headers

    def test_headers_cannot_break_out(self, client_for: Callable[..., FlaskClient]) -> None:
        response = preflight(
            client_for(PAGE), **{"Access-Control-Request-Headers": "x; a=b, ключ".encode().decode("latin-1")}
        )
        assert response.status_code == 200


@pytest.mark.parametrize("origin", FOREIGN)
def test_foreign_origins(origin: str) -> None:
    assert not is_loopback_origin(origin)


@pytest.mark.parametrize("origin", LOOPBACK)
def test_loopback_origins(origin: str) -> None:
    assert is_loopback_origin(origin)
