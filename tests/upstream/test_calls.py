"""The calls to the site, as payloads."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import pytest

from qwenproxy.browser.page import PageRequest
from qwenproxy.chat import WebSearch
from qwenproxy.errors import ProtocolChanged, RequestError
from qwenproxy.upstream import calls
from qwenproxy.upstream.calls import Question


def payload_of(request: PageRequest) -> Any:
    assert request.body is not None
    return orjson.loads(request.body)


def question_payload(**changes: Any) -> Any:
    return payload_of(calls.completion("C1", Question(model="qwen3.7-plus", text="Why?", **changes)))


def test_new_chat() -> None:
    request = calls.new_chat("qwen3.7-plus", title="Plans")
    payload = payload_of(request)
    assert (request.method, request.path) == ("POST", "/api/v2/chats/new")
    assert payload.pop("timestamp") > 1_600_000_000_000
    assert payload == {
        "title": "Plans",
        "models": ["qwen3.7-plus"],
        "chat_mode": "normal",
        "chat_type": "t2t",
        "project_id": "",
    }


def test_completion_carries_one_message_and_both_spellings_of_the_chat() -> None:
    request = calls.completion("C1", Question(model="qwen3.7-plus", text="Why?"))
    payload = payload_of(request)
    assert (request.method, request.path) == ("POST", "/api/v2/chat/completions?chat_id=C1")
    assert payload["chatId"] == payload["chat_id"] == "C1"
    assert payload["stream"] is True
    assert payload["incremental_output"] is True
    assert payload["version"] == "2.1"
    assert payload["chat_mode"] == "normal"
    (message,) = payload["messages"]
    assert message["role"] == "user"
    assert message["content"] == "Why?"
    assert message["user_action"] == "chat"
    assert message["files"] == []
    assert message["models"] == [payload["model"]] == ["qwen3.7-plus"]
    assert message["model"] == ""
    assert message["id"] is None
    assert uuid.UUID(message["fid"]) != uuid.UUID(message["childrenIds"][0])
    assert message["chat_type"] == message["sub_chat_type"] == message["extra"]["meta"]["subChatType"] == "t2t"
    assert 1_600_000_000 < payload["timestamp"] < 10_000_000_000


def test_completion_names_its_parent_everywhere() -> None:
    first, later = question_payload(), question_payload(parent_id="R1")
    assert (first["parentId"], first["parent_id"]) == ("", None)
    assert first["messages"][0]["parentId"] is first["messages"][0]["parent_id"] is None
    assert later["parentId"] == later["parent_id"] == "R1"
    assert later["messages"][0]["parentId"] == later["messages"][0]["parent_id"] == "R1"


@pytest.mark.parametrize(
    ("question", "enabled", "mode", "budget"),
    [
        ({}, False, "Fast", None),
        ({"thinking_budget": 500}, False, "Fast", None),
        ({"thinking": True}, True, "Thinking", None),
        ({"thinking": True, "thinking_budget": 38912}, True, "Thinking", 38912),
    ],
    ids=["neither", "a budget alone", "thinking", "thinking with a budget"],
)
def test_thinking_switches_agree(question: dict[str, Any], enabled: bool, mode: str, budget: int | None) -> None:
    features = question_payload(**question)["messages"][0]["feature_config"]
    assert features["thinking_enabled"] is enabled
    assert features["auto_thinking"] is False
    assert features["thinking_mode"] == mode
    assert features.get("thinking_budget") == budget
    assert features["thinking_format"] == "summary"
    assert features["output_schema"] == "phase"
    assert features["auto_search"] is False


@pytest.mark.parametrize(
    ("search", "chat_type", "auto_search"),
    [(None, "t2t", False), (WebSearch(), "t2t", True), (WebSearch(forced=True), "search", True)],
    ids=["forbidden", "allowed", "forced"],
)
def test_a_web_search(search: WebSearch | None, chat_type: str, auto_search: bool) -> None:
    (message,) = question_payload(search=search)["messages"]
    assert message["chat_type"] == message["sub_chat_type"] == message["extra"]["meta"]["subChatType"] == chat_type
    features = message["feature_config"]
    assert (features["auto_search"], features["research_mode"]) == (auto_search, "normal")
    assert features["thinking_mode"] == "Fast"
    assert payload_of(calls.new_chat("m", chat_type=calls.chat_type_of(search)))["chat_type"] == chat_type


def test_files_go_along_unchanged() -> None:
    entry = {"type": "image", "url": "https://files.example/a.png", "size": 3}
    assert question_payload(files=(entry,))["messages"][0]["files"] == [entry]


def test_text_survives_as_utf8() -> None:
    text = 'тест 漢字 🙂 "quotes"\n\u2028 end'
    request = calls.completion("C1", Question(model="m", text=text))
    assert payload_of(request)["messages"][0]["content"] == text
    assert "漢字" in (request.body or "")


def test_half_a_surrogate_pair_is_the_clients_fault() -> None:
    with pytest.raises(RequestError):
        calls.completion("C1", Question(model="m", text="\ud800"))


@pytest.mark.parametrize(
    ("request_made", "method", "path", "payload"),
    [
        (
            calls.stop("C1", "R1"),
            "POST",
            "/api/v2/chat/completions/stop?chat_id=C1",
            {"chat_id": "C1", "response_id": "R1"},
        ),
        (calls.delete_chat("C1"), "DELETE", "/api/v2/chats/C1", None),
        (calls.delete_chat("a/b?c"), "DELETE", "/api/v2/chats/a%2Fb%3Fc", None),
        (calls.list_models(), "GET", "/api/v2/models/", None),
        (calls.profile(), "GET", "/api/v1/auths/", None),
    ],
    ids=["stop", "delete", "delete an odd id", "models", "profile"],
)
def test_other_calls(request_made: PageRequest, method: str, path: str, payload: object) -> None:
    assert (request_made.method, request_made.path) == (method, path)
    assert (request_made.body and orjson.loads(request_made.body)) == payload


def test_headers_are_those_the_page_script_does_not_add() -> None:
    completion = calls.completion("C1", Question(model="m", text="t")).headers
    reading = calls.profile().headers
    assert set(reading) == {"accept", "source", "x-request-id"}
    assert set(completion) == {*reading, "content-type", "x-accel-buffering"}
    assert completion["source"] == "web"
    assert completion["x-accel-buffering"] == "no"
    assert completion["content-type"] == "application/json"
    assert uuid.UUID(completion["x-request-id"]).version == 4
    assert completion["x-request-id"] != reading["x-request-id"]


@pytest.mark.parametrize(
    "body",
    [
        '{"success":true,"request_id":"q","data":{"id":"C9"}}',
        '{"success":true,"data":{"chat_id":"C9"}}',
        '{"chat_id":"C9"}',
        '{"id":"C9"}',
        '{"id":"C9","data":null}',
    ],
)
def test_chat_id_from(body: str) -> None:
    assert calls.chat_id_from(body) == "C9"


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"data":{"id":""}}', '{"data":{"id":7}}', "<html>", "null"])
def test_chat_id_from_an_unknown_form(body: str) -> None:
    with pytest.raises(ProtocolChanged):
        calls.chat_id_from(body)
