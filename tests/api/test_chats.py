"""The routes over kept chats: shapes, codes, ids, clean-up."""

from __future__ import annotations

import io
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from kept_chats import KeptChats
from spelling import spelled
from werkzeug.test import TestResponse

from qwenproxy.api.bodies import optional_json_body

NOBODY = "550e8400-e29b-41d4-a716-446655440000"
DAY_MS = 86_400_000


@pytest.fixture
def client(chats: KeptChats) -> FlaskClient:
    return chats.client


def write(chats: KeptChats, chat_id: str, created: int, messages: int = 0) -> None:
    """Put a chat on the disk, as if the older project had."""
    rows = [{"role": ("user", "assistant")[number % 2], "content": "x"} for number in range(messages)]
    chats.path(chat_id).write_text(json.dumps({"id": chat_id, "name": chat_id, "created": created, "messages": rows}))


def error_of(response: TestResponse) -> tuple[int, str]:
    assert list(response.get_json()) == ["error", "code", "request_id"]
    assert response.get_json()["error"]
    return response.status_code, response.get_json()["code"]


def test_what_the_disk_refuses_is_told_without_where_it_is(
    chats: KeptChats, client: FlaskClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = chats.path("x").parent
    shutil.rmtree(folder)
    folder.write_text("")
    response = client.post("/api/chats")
    assert error_of(response) == (503, "storage_error")
    assert re.fullmatch(r"cannot [a-z ]+ [\w.-]+: [\w ]+", response.get_json()["error"]), response.get_json()
    assert str(tmp_path) not in response.text
    assert str(folder) in caplog.text


class TestCreate:
    @pytest.mark.parametrize(
        ("body", "name"),
        [({"name": "Мой новый чат"}, "Мой новый чат"), ({"name": "  x "}, "x"), ({}, "New chat")]
        + [({"name": blank}, "New chat") for blank in (None, "", " ")],
        ids=spelled,
    )
    def test_a_chat(self, chats: KeptChats, client: FlaskClient, body: Any, name: str) -> None:
        response = client.post("/api/chats", json=body)
        assert (response.status_code, list(response.get_json())) == (200, ["chatId"])
        (chat,) = client.get("/api/chats").get_json()["chats"]
        assert (chat["id"], chat["name"]) == (response.get_json()["chatId"], name)
        assert chats.files() == [chat["id"]]

    def test_without_a_body(self, client: FlaskClient) -> None:
        assert list(client.post("/api/chats").get_json()) == ["chatId"]

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"json": {"name": 1}}, (400, "invalid_request")),
            ({"json": ["x"]}, (400, "invalid_json")),
            ({"data": "{", "content_type": "application/json"}, (400, "invalid_json")),
            ({"data": "name=x"}, (415, "unsupported_media_type")),
        ],
        ids=spelled,
    )
    def test_a_bad_body(self, chats: KeptChats, client: FlaskClient, options: Any, expected: tuple[int, str]) -> None:
        assert error_of(client.post("/api/chats", **options)) == expected
        assert not chats.files()

    def test_a_turn_in_it(self, chats: KeptChats, client: FlaskClient) -> None:
        chat_id = client.post("/api/chats", json={"name": "Mine"}).get_json()["chatId"]
        assert chats.say("Hello?", chatId=chat_id).get_json()["chatId"] == chat_id
        assert len(chats.kept(chat_id)) == 2
        assert client.get(f"/api/chats/{chat_id}").get_json()["history"]["name"] == "Mine"


class TestRead:
    def test_the_list_is_newest_first(self, chats: KeptChats, client: FlaskClient) -> None:
        for created in (2, 3, 1):
            write(chats, f"chat-{created}", created, messages=3)
        response = client.get("/api/chats")
        assert [chat["id"] for chat in response.get_json()["chats"]] == ["chat-3", "chat-2", "chat-1"]
        first = {"id": "chat-3", "name": "chat-3", "created": 3, "messageCount": 3, "userMessageCount": 2}
        assert response.text.startswith('{"chats":[' + json.dumps(first, separators=(",", ":")))

    def test_an_empty_list(self, client: FlaskClient) -> None:
        assert client.get("/api/chats").text == '{"chats":[]}'

    def test_one_chat(self, chats: KeptChats, client: FlaskClient) -> None:
        chat_id = chats.say("Привет?").get_json()["chatId"]
        body = client.get(f"/api/chats/{chat_id}").get_json()
        assert list(body) == ["chatId", "history"]
        assert list(body["history"]) == ["id", "name", "created", "messages"]
        assert [message["content"] for message in body["history"]["messages"]] == ["Привет?", "Hello world"]
        assert "Привет?" in client.get(f"/api/chats/{chat_id}").text

    def test_what_is_remembered_of_the_site_is_nobody_elses_business(
        self, chats: KeptChats, client: FlaskClient
    ) -> None:
        chat_id = chats.say("Hello?").get_json()["chatId"]
        assert "up-1" in chats.path(chat_id).read_text()
        assert "up-1" not in client.get(f"/api/chats/{chat_id}").text


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/chats/{}"), ("DELETE", "/api/chats/{}"), ("PUT", "/api/chats/{}/rename")]
)
class TestNoSuchChat:
    @pytest.mark.parametrize("chat_id", [NOBODY, "..", "a..b", "a%00b", "x" * 200, "con", "%20"])
    def test_is_not_found(self, chats: KeptChats, client: FlaskClient, method: str, path: str, chat_id: str) -> None:
        write(chats, "mine", 1)
        response = client.open(path.format(chat_id), method=method, json={"name": "x"})
        assert error_of(response) == (404, "chat_not_found")
        assert response.get_json()["error"] == "There is no such chat; GET /api/chats lists them."
        assert chats.files() == ["mine"]

    def test_nor_is_a_path(self, chats: KeptChats, client: FlaskClient, method: str, path: str) -> None:
        (chats.session_dir / "tokens.get_json().json").write_text("{}")
        response = client.open(path.format("..%2Ftokens.json"), method=method, json={"name": "x"})
        assert error_of(response) == (404, "not_found")
        assert (chats.session_dir / "tokens.get_json().json").exists()


class TestRename:
    def test_a_chat(self, chats: KeptChats, client: FlaskClient) -> None:
        write(chats, "one", 1)
        response = client.put("/api/chats/one/rename", json={"name": " Другое имя "})
        assert response.text == '{"success":true,"chatId":"one","name":"Другое имя"}'
        assert client.get("/api/chats/one").get_json()["history"]["name"] == "Другое имя"

    @pytest.mark.parametrize(
        "body", [{}, {"name": ""}, {"name": " \t"}, {"name": None}, {"name": 1}, {"name": ["x"]}], ids=spelled
    )
    def test_a_name_that_is_none(self, chats: KeptChats, client: FlaskClient, body: Any) -> None:
        write(chats, "one", 1)
        assert error_of(client.put("/api/chats/one/rename", json=body)) == (400, "invalid_request")
        assert client.get("/api/chats/one").get_json()["history"]["name"] == "one"


class TestDelete:
    def test_a_chat(self, chats: KeptChats, client: FlaskClient) -> None:
        write(chats, "one", 1)
        write(chats, "two", 2)
        response = client.delete("/api/chats/one")
        assert (response.status_code, response.text) == (200, '{"success":true}')
        assert chats.files() == ["two"]
        assert error_of(client.delete("/api/chats/one")) == (404, "chat_not_found")


class TestCleanup:
    @pytest.fixture(autouse=True)
    def four_chats(self, chats: KeptChats) -> None:
        """Chats d0, d2, d4, d6 as many days old, with as many messages."""
        now_ms = int(time.time() * 1000)
        for days in (0, 2, 4, 6):
            write(chats, f"d{days}", now_ms - days * DAY_MS - 1, messages=days)

    @pytest.mark.parametrize(
        ("criteria", "deleted"),
        [
            ({"olderThan": 3 * DAY_MS}, ["d4", "d6"]),
            ({"messageCountLessThan": 3}, ["d0", "d2"]),
            ({"userMessageCountLessThan": 2}, ["d0", "d2"]),
            ({"olderThan": DAY_MS, "messageCountLessThan": 5}, ["d2", "d4"]),
            ({"olderThan": 3 * DAY_MS, "userMessageCountLessThan": 1}, []),
            ({"maxChats": 3}, ["d6"]),
            ({"maxChats": 1, "olderThan": 5 * DAY_MS}, ["d2", "d4", "d6"]),
            ({"maxChats": 9}, []),
        ],
        ids=spelled,
    )
    def test_what_goes(
        self, chats: KeptChats, client: FlaskClient, criteria: dict[str, Any], deleted: list[str]
    ) -> None:
        response = client.post("/api/chats/cleanup", json=criteria)
        assert response.status_code == 200
        assert list(response.get_json()) == ["success", "deletedCount", "deletedChats"]
        assert (response.get_json()["success"], response.get_json()["deletedCount"]) == (True, len(deleted))
        assert sorted(response.get_json()["deletedChats"]) == deleted
        assert chats.files() == [name for name in ("d0", "d2", "d4", "d6") if name not in deleted]

    @pytest.mark.parametrize(
        "criteria",
        [
            None,
            {},
            {"older": 1},
            {"olderThan": 0},
            {"olderThan": -1},
            {"olderThan": "1"},
            {"olderThan": None},
            {"maxChats": 0},
            {"maxChats": 1.5},
            {"maxChats": True},
            {"messageCountLessThan": -1},
            {"olderThan": 1, "maxChats": "all"},
        ],
        ids=spelled,
    )
    def test_nothing_goes(self, chats: KeptChats, client: FlaskClient, criteria: dict[str, Any]) -> None:
        options = {} if criteria is None else {"json": criteria}
        assert error_of(client.post("/api/chats/cleanup", **options)) == (400, "invalid_request")
        assert len(chats.files()) == 4

    def test_no_route_of_that_name_for_chats(self, client: FlaskClient) -> None:
        assert error_of(client.get("/api/chats/cleanup")) == (404, "chat_not_found")


@pytest.mark.parametrize(
    ("headers", "sent", "expected"),
    [
        ({"Transfer-Encoding": "chunked"}, b'{"name":"Notes"}', {"name": "Notes"}),
        ({"Content-Length": "16"}, b'{"name":"Notes"}', {"name": "Notes"}),
        ({}, b"", {}),
    ],
    ids=["in chunks", "with a length", "none"],
)
def test_a_body_that_may_be_missing(
    chats: KeptChats, headers: dict[str, str], sent: bytes, expected: dict[str, str]
) -> None:
    with chats.app.test_request_context(
        method="POST",
        headers=headers,
        input_stream=io.BytesIO(sent),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    ):
        assert optional_json_body() == expected
