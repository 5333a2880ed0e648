"""A proxy whose last key was removed: who is let in then, and what the others are told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from spelling import spelled

from qwenproxy.access.keys import KeyFile

PATHS = ("/v1/models", "/api/status", "/api/chats", "/openapi.json", "/nowhere")


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    keys = KeyFile.open(tmp_path / "session" / "Authorization.txt")
    keys.add("qp-one")
    return keys


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer qp-one"}, {"Authorization": "Bearer "}], ids=spelled)
def test_beyond_this_machine_nobody(
    make_client: Callable[..., FlaskClient], keys: KeyFile, path: str, headers: dict[str, str]
) -> None:
    client = make_client(config={"host": "0.0.0.0"})
    keys.remove("qp-one")
    response = client.get(path, headers=headers)
    assert response.status_code == 401
    assert "invalid_api_key" in response.text
    assert "open to other machines" in response.text
    assert "`qwenproxy keys add`" in response.text
    assert client.get("/health").status_code == 200


def test_it_opens_with_the_next_key_and_says_when_it_is_shut(
    make_client: Callable[..., FlaskClient], keys: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(config={"host": "0.0.0.0"})
    with caplog.at_level(logging.WARNING, logger="qwenproxy.api.auth"):
        for _ in range(2):
            keys.remove("qp-one")
            for _ in range(3):
                assert client.get("/api/chats").status_code == 401
            keys.add("qp-one")
            assert client.get("/api/chats").status_code == 401
            assert client.get("/api/chats", headers={"Authorization": "Bearer qp-one"}).status_code == 200
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


def test_on_this_machine_everybody(make_client: Callable[..., FlaskClient], keys: KeyFile) -> None:
    client = make_client()
    keys.remove("qp-one")
    assert client.get("/api/chats").status_code == 200


def test_whoever_starts_it_insecure_gets_it_so(make_client: Callable[..., FlaskClient], keys: KeyFile) -> None:
    client = make_client(config={"host": "0.0.0.0"}, insecure=True)
    assert client.get("/api/chats").status_code == 401
    keys.remove("qp-one")
    assert client.get("/api/chats").status_code == 200


def test_a_worker_that_is_started_again_knows_of_it(make_client: Callable[..., FlaskClient], keys: KeyFile) -> None:
    keys.remove("qp-one")
    assert make_client(config={"host": "0.0.0.0"}).get("/api/chats").status_code == 401


def test_keys_that_cannot_be_read_at_the_start_open_nothing_later(
    make_client: Callable[..., FlaskClient], keys: KeyFile, tmp_path: Path
) -> None:
    path = tmp_path / "session" / "Authorization.txt"
    path.write_bytes(b"\xff\xfe\xff")
    client = make_client(config={"host": "0.0.0.0"})
    assert client.get("/api/chats").status_code == 401
    path.write_text("# none\n")
    assert client.get("/api/chats").status_code == 401


def test_a_wrong_key_is_told_where_the_right_one_is(make_client: Callable[..., FlaskClient], keys: KeyFile) -> None:
    response = make_client().get("/api/chats", headers={"Authorization": "Bearer qp-two"})
    assert response.status_code == 401
    assert "`qwenproxy keys list --show`" in response.get_json()["error"]
