"""Explain: what it shows is what is sent afterwards, and showing it changes nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from dashboard import Dashboard
from file_stack import PNG, Stack, image
from openapi_checks import check
from replies import GATEWAY_DOWN, RATE_LIMITED, Reply, answer
from transcripts import CREATED, delta

from qwenproxy.admin.explain import PARSERS
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.relay.explaining import NEW_CHAT
from qwenproxy.sandbox import Sandbox, Switches

HELLO = [{"role": "user", "content": "Hello?"}]
GOES_ON = [*HELLO, {"role": "assistant", "content": "Hi."}, {"role": "user", "content": "And now?"}]
SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}
LOOK = {"name": "look", "description": "Look.", "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": LOOK}]
SYSTEM = {"role": "system", "content": "Be kind."}
SMALL = "qwen3-omni-flash-2025-12-01"  # has a context of 65,536 tokens
LONG = [{"role": "user", "content": "word " * 70_000}]
# One question of every kind, in every API: its address, its name here, and its body.
ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "plain": ("/v1/chat/completions", "chat", {"messages": HELLO}),
    "system": ("/v1/chat/completions", "chat", {"messages": [SYSTEM, *HELLO], "stream": True}),
    "functions": ("/v1/chat/completions", "chat", {"messages": HELLO, "tools": TOOLS}),
    "thinking": ("/v1/chat/completions", "chat", {"messages": HELLO, "reasoning_effort": "high"}),
    "search": ("/v1/chat/completions", "chat", {"messages": HELLO, "web_search_options": {}}),
    "functions and search": (
        "/v1/chat/completions",
        "chat",
        {"messages": HELLO, "tools": TOOLS, "web_search_options": {}},
    ),
    "chat with memory": ("/api/chat", "native", {"message": "Hello?", "messages": [], "model": "qwen-max"}),
    "search with memory": ("/api/chat", "native", {"messages": [SYSTEM, *HELLO], "web_search_options": {}}),
    "response": ("/v1/responses", "responses", {"input": "Hello?", "instructions": "Be kind."}),
    "message": ("/v1/messages", "messages", {"model": "qwen-max", "max_tokens": 50, "messages": HELLO}),
    "gemini": (
        "/v1beta/models/qwen-max:generateContent",
        "gemini&model=qwen-max",
        {"contents": [{"role": "user", "parts": [{"text": "Hello?"}]}]},
    ),
    "ollama": ("/ollama/api/chat", "ollama", {"model": "qwen-max", "messages": HELLO}),
}


def explained(dashboard: Dashboard, body: dict[str, Any], api: str = "chat", client: str | None = "") -> dict[str, Any]:
    """Explain a request of a client, the admin itself for None."""
    query = f"api={api}" + ("" if client is None else f"&client={client}")
    response = dashboard.ask("POST", f"/admin/api/explain?{query}", json=body)
    assert response.status_code == 200, response.text
    check("Explanation", response.get_json())
    return cast("dict[str, Any]", response.get_json())


def settled(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a question without what is made anew for each request."""
    body = json.loads(json.dumps(body))
    body.pop("timestamp")
    for message in body["messages"]:
        for name in ("fid", "childrenIds", "timestamp"):
            message.pop(name)
        for file in message["files"]:
            for name in ("itemId", "uploadTaskId"):
                file.pop(name)
    if body["chat_id"] in (NEW_CHAT, "up-1"):
        body["chat_id"] = body["chatId"] = ""
    return body


@pytest.mark.parametrize("kind", ASKED)
def test_what_is_explained_is_sent_then(dashboard: Dashboard, kind: str) -> None:
    path, api, body = ASKED[kind]
    dashboard.chats.client.get("/v1/models")  # the list of models is read
    before = explained(dashboard, body, api)
    assert before["modelsRead"] and before["context"] == "new" and before["account"] == "a"
    assert dashboard.chats.site.questions() == []
    assert dashboard.chats.client.post(path, json=body, buffered=True).status_code == 200
    [sent] = dashboard.chats.site.questions()
    assert [call["path"] for call in before["calls"]] == [
        "/api/v2/chats/new",
        f"/api/v2/chat/completions?chat_id={NEW_CHAT}",
    ]
    assert settled(before["calls"][1]["body"]) == settled(sent)
    assert before["text"] == sent["messages"][0]["content"]


def test_a_conversation_is_explained_where_it_goes_on(dashboard: Dashboard) -> None:
    dashboard.chats.site.script("a", answer("Hi."))
    dashboard.chats.client.post("/v1/chat/completions", json={"messages": HELLO}, buffered=True)
    before = explained(dashboard, {"messages": GOES_ON})
    assert (before["context"], before["chat"], before["held"], before["messages"]) == ("continued", "up-1", 2, 1)
    dashboard.chats.client.post("/v1/chat/completions", json={"messages": GOES_ON}, buffered=True)
    sent = dashboard.chats.site.questions()[-1]
    [call] = before["calls"]
    assert (call["body"]["chat_id"], before["parent"]) == (sent["chat_id"], sent["parent_id"])
    assert settled(call["body"]) == settled(sent)


def test_a_chat_with_memory_is_explained_where_it_goes_on(dashboard: Dashboard) -> None:
    client, site = dashboard.chats.client, dashboard.chats.site
    site.script("a", answer("Hi."))
    chat_id = client.post("/api/chat", json={"message": "Hello?"}, buffered=True).get_json()["chatId"]
    body = {"message": "And now?", "chatId": chat_id}
    before = explained(dashboard, body, "native")
    assert (before["context"], before["chat"], before["held"], before["messages"]) == ("continued", "up-1", 2, 1)
    assert client.post("/api/chat", json=body, buffered=True).status_code == 200
    [call] = before["calls"]
    sent = site.questions()[-1]
    assert (call["body"]["chat_id"], before["parent"]) == (sent["chat_id"], sent["parent_id"])
    assert settled(call["body"]) == settled(sent)


def test_an_unknown_chat_with_memory_begins_anew_and_a_wrong_id_is_told(dashboard: Dashboard) -> None:
    before = explained(dashboard, {"message": "Hello?", "chatId": "nowhere"}, "native")
    assert (before["context"], before["chat"]) == ("new", None)
    assert dashboard.chats.client.get("/api/chats").get_json()["chats"] == []
    told = dashboard.ask("POST", "/admin/api/explain?api=native", json={"message": "Hello?", "chatId": "../x"})
    assert (told.status_code, "chatId" in told.get_json()["error"]) == (400, True)


def test_another_client_has_another_memory(dashboard: Dashboard) -> None:
    dashboard.chats.site.script("a", answer("Hi."))
    key = dashboard.office.client_keys.add()
    headers = {"Authorization": f"Bearer {key}"}
    dashboard.chats.client.post("/v1/chat/completions", json={"messages": HELLO}, headers=headers, buffered=True)
    [row] = dashboard.read("/admin/api/keys")["keys"]
    contexts = [explained(dashboard, {"messages": GOES_ON}, client=each)["context"] for each in (row["name"], "", None)]
    assert contexts == ["continued", "new", "new"]
    gone = dashboard.ask("POST", "/admin/api/explain?client=nobody", json={"messages": HELLO})
    assert (gone.status_code, gone.get_json()["code"]) == (404, "not_found")


def test_a_chat_that_serves_another_request_is_not_gone_on_with(dashboard: Dashboard) -> None:
    dashboard.chats.site.script("a", answer("Hi."), Reply((CREATED, delta("On")), endless=True, head_after=0))
    dashboard.chats.client.post("/v1/chat/completions", json={"messages": HELLO}, buffered=True)
    body = {"messages": GOES_ON, "stream": True}
    running = dashboard.chats.client.post("/v1/chat/completions", json=body)
    assert explained(dashboard, body)["context"] == "replayed"
    running.close()
    assert explained(dashboard, body)["context"] != "new"


def test_nothing_changes_however_often_it_is_explained(dashboard: Dashboard) -> None:
    chats = dashboard.chats
    chats.start(2)
    dashboard = Dashboard(chats)
    other = {"messages": [{"role": "user", "content": "Something else"}]}

    def ask(body: dict[str, Any]) -> None:
        assert chats.client.post("/v1/chat/completions", json=body, buffered=True).status_code == 200

    def everything() -> tuple[object, ...]:
        disk = [path.read_bytes() for path in sorted(chats.session_dir.rglob("*")) if path.is_file()]
        return len(chats.site.calls), dashboard.rows(), disk, chats.site.sent, dashboard.office.relay.pool.load()

    chats.site.script("a", answer("Hi."))
    ask({"messages": HELLO})
    before = everything()
    assert {explained(dashboard, {"messages": GOES_ON})["context"] for _ in range(5)} == {"continued"}
    assert {explained(dashboard, other)["account"] for _ in range(5)} == {"b"}
    assert everything() == before
    ask(other)
    ask({"messages": GOES_ON})
    assert chats.site.asked() == ["a", "b", "a"]
    assert chats.site.places()[-1][1:] == ("up-1", "R7")


def test_all_accounts_busy_means_to_wait(dashboard: Dashboard) -> None:
    leases = [next(dashboard.office.relay.pool.leases(lambda: False)) for _ in range(8)]
    assert explained(dashboard, {"messages": HELLO})["waits"]
    for lease in leases:
        lease.close()
    assert not explained(dashboard, {"messages": HELLO})["waits"]


def test_models_that_were_not_read_are_only_assumed(dashboard: Dashboard) -> None:
    assert not explained(dashboard, {"messages": HELLO})["modelsRead"]


@pytest.mark.parametrize(
    ("query", "body", "status", "code"),
    [
        ("api=chat", {}, 400, "invalid_request"),
        ("api=nothing", {"messages": HELLO}, 400, "invalid_request"),
        ("api=gemini", {"contents": []}, 400, "invalid_request"),
        ("api=messages", {"messages": HELLO, "max_tokens": 0}, 400, "invalid_request"),
        ("api=ollama", {"model": "qwen-max"}, 400, "invalid_request"),
        ("api=responses", {"input": "Hi", "previous_response_id": "resp_gone"}, 400, "previous_response_not_found"),
        ("api=chat", {"model": SMALL, "messages": LONG}, 400, "context_length_exceeded"),
    ],
    ids=["empty", "unknown api", "gemini without a model", "warms up", "loads a model", "unknown response", "too long"],
)
def test_what_would_be_refused_is_refused_here(
    dashboard: Dashboard, query: str, body: dict[str, Any], status: int, code: str
) -> None:
    response = dashboard.ask("POST", f"/admin/api/explain?{query}", json=body)
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert response.get_json()["error"]


def test_without_an_account_that_can_answer_it_says_why(dashboard: Dashboard) -> None:
    dashboard.chats.site.script("a", RATE_LIMITED)
    dashboard.chats.client.post("/v1/chat/completions", json={"messages": HELLO}, buffered=True)
    response = dashboard.ask("POST", "/admin/api/explain", json={"messages": HELLO})
    assert (response.status_code, response.get_json()["code"]) == (429, "rate_limited")
    assert int(response.headers["Retry-After"]) > 0


def test_every_api_has_its_example() -> None:
    assert {api.partition("&")[0] for _, api, _ in ASKED.values()} == set(PARSERS)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(accounts=2, switches=Switches(interval_ms=1, busy_release_s=0.05)) as site:
        yield site


@pytest.fixture
def stack(running: Sandbox, tmp_path: Path, pauses: list[float]) -> Iterator[Stack]:
    running.clear()
    stack = Stack(running, tmp_path / "session", pause=pauses.append)
    stack.client.get("/v1/models")
    yield stack
    stack.close()
    running.clear()


@pytest.fixture
def explain(stack: Stack) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Explain a body on a stack with real files, as a client without a key."""
    key = SessionFolder(stack.session_dir).admin_key.read_text().splitlines()[-1]

    def ask(body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        response = stack.client.post("/admin/api/explain?client=", json=body, headers=headers)
        assert response.status_code == 200, response.text
        return cast("dict[str, Any]", response.get_json())

    return ask


def asking(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "{{echo}}"}, *parts]}]}


def known(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of a file before its upload."""
    return {name: entry[name] for name in ("type", "name", "size", "file_type", "showType", "file_class", "status")}


def test_a_picture_is_shown_as_it_will_be_and_not_uploaded(
    stack: Stack, running: Sandbox, explain: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    since = len(running.files)
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    before = explain(asking(image(url)))
    assert before["files"] == [{"name": "image.png", "type": "image/png", "size": len(PNG), "way": "upload"}]
    assert running.files[since:] == []
    [sent] = stack.seen(image(url))
    [entry] = before["calls"][-1]["body"]["messages"][0]["files"]
    assert known(entry) == known(sent)
    stack.only(str(next(each.id for each in running.accounts if each.id == before["account"])))
    after = explain(asking(image(url)))
    assert [file["way"] for file in after["files"]] == ["held"]
    assert after["calls"][-1]["body"]["messages"][0]["files"][0]["id"] == sent["id"]


def test_an_address_is_not_fetched(stack: Stack, explain: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    before = explain(asking(image("https://elsewhere.example/cat.png")))
    assert before["files"] == [{"name": "cat.png", "type": "image/png", "size": None, "way": "fetch"}]


def test_an_upload_of_another_account_is_copied(
    stack: Stack, running: Sandbox, explain: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    since = len(running.files)
    url = stack.uploaded("cat.png", PNG)["url"]
    assert [file["way"] for file in explain(asking(image(url)))["files"]] == ["held"]
    owner = explain(asking(image(url)))["account"]
    stack.only(next(each.id for each in running.accounts if each.id != owner))
    assert [file["way"] for file in explain(asking(image(url)))["files"]] == ["copy"]
    assert len(running.files[since:]) == 1


def test_the_file_of_a_long_text_is_shown_whole(
    stack: Stack, running: Sandbox, explain: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    body = {"messages": [{"role": "user", "content": "A line.\n" * 9000 + "{{say short}}"}]}
    since = len(running.files)
    before = explain(body)
    assert running.files[since:] == []
    assert stack.client.post("/v1/chat/completions", json=body).status_code == 200
    [file] = running.files[since:]
    assert before["file"] == {"name": file.name, "text": (file.data or b"").decode()}
    asked = next(each for each in reversed(running.requests) if "/chat/completions" in each.path)
    assert asked.body["messages"][0]["content"] == before["text"]
    [entry] = before["calls"][-1]["body"]["messages"][0]["files"]
    assert (entry["name"], entry["size"]) == (file.name, len(file.data or b""))


def test_models_that_could_not_be_read_are_only_assumed_and_read_later(dashboard: Dashboard) -> None:
    dashboard.chats.site.script("a", GATEWAY_DOWN, GATEWAY_DOWN, call="models")
    assert dashboard.chats.say("Hello?").status_code == 200
    assert not explained(dashboard, {"messages": HELLO})["modelsRead"]
