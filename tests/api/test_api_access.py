"""Who may ask: the client's key and the Host header."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient


class TestKeys:
    @pytest.fixture
    def client(self, make_client: Callable[..., FlaskClient], tmp_path: Path) -> FlaskClient:
        client = make_client()
        (tmp_path / "session" / "Authorization.txt").write_text("# keys\n\nqp-one\nключ-два\n", encoding="utf-8")
        return client

    @pytest.mark.parametrize("path", ["/v1/models", "/api/models", "/v1/nothing", "/", "/openapi.json", "/health/x"])
    @pytest.mark.parametrize(
        "header",
        [None, "", "qp-one", "Bearer", "Bearer ", "Bearer qp-on", "Bearer qp-one2", "Basic qp-one", "Bearer #"],
    )
    def test_without_a_key_nothing_is_told(self, client: FlaskClient, path: str, header: str) -> None:
        response = client.get(path, headers={} if header is None else {"Authorization": header})
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert "invalid_api_key" in response.text
        assert "qp-on" not in response.text

    @pytest.mark.parametrize("header", ["Bearer qp-one", "bearer qp-one", "Bearer  qp-one "])
    def test_with_a_key(self, client: FlaskClient, header: str) -> None:
        assert client.get("/v1/models", headers={"Authorization": header}).status_code == 200

    def test_health_is_open(self, client: FlaskClient) -> None:
        assert client.get("/health").status_code == 200

    def test_a_removed_key_no_longer_works(self, client: FlaskClient, tmp_path: Path) -> None:
        (tmp_path / "session" / "Authorization.txt").write_text("qp-other\n")
        assert client.get("/v1/models", headers={"Authorization": "Bearer qp-one"}).status_code == 401

    def test_a_lost_key_file_opens_nothing(self, client: FlaskClient, tmp_path: Path) -> None:
        (tmp_path / "session" / "Authorization.txt").unlink()
        response = client.get("/v1/models", headers={"Authorization": "Bearer qp-one"})
        assert response.status_code >= 400


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:3264", 200),
        ("LOCALHOST.:3264", 200),
        ("127.0.0.1:3264", 200),
        ("127.8.8.8", 200),
        ("[::1]", 200),
        ("[::1]:3264", 200),
        ("app.localhost:1", 200),
        ("example.org", 403),
        ("localhost.example.org", 403),
        ("127.0.0.1.example.org:3264", 403),
        ("192.168.0.2:3264", 403),
        ("0.0.0.0", 403),
        ("2130706433", 403),
        ("", 403),
    ],
)
def test_other_hosts_are_refused_on_loopback(client: FlaskClient, host: str, status: int) -> None:
    response = client.get("/v1/models", headers={"Host": host})
    assert response.status_code == status
    if status == 403:
        assert response.get_json()["error"]["code"] == "forbidden_host"


def test_other_hosts_are_welcome_elsewhere(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client(config={"host": "0.0.0.0"}, insecure=True)
    assert client.get("/v1/models", headers={"Host": "proxy.example.org"}).status_code == 200
