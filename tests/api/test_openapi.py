"""GET /openapi.json: a valid document that describes every route, and describes the answers as they are."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from clocks import FakeClock
from flask import Flask
from jsonschema import Draft202012Validator
from kept_chats import KeptChats
from openapi_checks import SCHEMAS, check
from openapi_spec_validator import OpenAPIV31SpecValidator
from replies import RATE_LIMITED
from spelling import spelled

from qwenproxy import errors
from qwenproxy.accounts.registry import Registry
from qwenproxy.api.openapi import document
from qwenproxy.api.openapi.schemas import ERROR_CODES
from qwenproxy.errors import ProxyError

METHODS = ("get", "post", "put", "delete", "patch")


def described() -> set[tuple[str, str]]:
    return {
        (method, re.sub(r"{\w+}", "{}", path))
        for path, item in document()["paths"].items()
        for method in item
        if method in METHODS
    }


def served(app: Flask) -> set[tuple[str, str]]:
    return {
        (method.lower(), re.sub(r"<[^<>]+>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_the_document_is_valid(chats: KeptChats) -> None:
    response = chats.client.get("/openapi.json")
    assert response.mimetype == "application/json"
    assert response.text.startswith('{"openapi":"3.1.0",')
    OpenAPIV31SpecValidator(response.get_json()).validate()


def test_every_route_is_described_and_nothing_else(chats: KeptChats) -> None:
    assert described() == served(chats.app)


def test_every_schema_is_used_and_no_other() -> None:
    text = json.dumps(document())
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) == set(SCHEMAS)


def test_every_error_code_is_named() -> None:
    def codes(kind: type[ProxyError]) -> set[str]:
        return {kind.code}.union(*(codes(each) for each in kind.__subclasses__()))

    assert set(ERROR_CODES) == codes(errors.ProxyError)


def test_the_answers_are_as_described(chats: KeptChats) -> None:
    ask = {"messages": [{"role": "user", "content": "Hello?"}]}
    check("CompletionRequest", ask)
    check("TextCompletion", chats.client.post("/v1/completions", json={"prompt": "Hello?"}).get_json())
    check("Completion", chats.client.post("/v1/chat/completions", json=ask).get_json())
    check("Response", chats.client.post("/v1/responses", json={"input": "Hello?"}).get_json())
    compact = {"input": "Hello?", "model": "qwen-max"}
    check("Compaction", chats.client.post("/v1/responses/compact", json=compact).get_json())
    check("InputTokens", chats.client.post("/v1/responses/input_tokens", json=compact).get_json())
    turn = chats.say("Hello?").get_json()
    check("TurnCompletion", turn)
    check("Completion", turn)
    check("ModelList", chats.client.get("/v1/models").get_json())
    check("Model", chats.client.get("/v1/models/qwen-max").get_json())
    check("Chat", chats.client.get(f"/api/chats/{turn['chatId']}").get_json())
    check("ChatList", chats.client.get("/api/chats").get_json())
    check("ChatRenamed", chats.client.put(f"/api/chats/{turn['chatId']}/rename", json={"name": "x"}).get_json())
    check("Success", chats.client.delete(f"/api/chats/{turn['chatId']}").get_json())
    check("ChatCreated", chats.client.post("/api/chats", json={}).get_json())
    check("CleanedUp", chats.client.post("/api/chats/cleanup", json={"maxChats": 1}).get_json())
    check("Health", chats.client.get("/health").get_json())


def test_ollamas_answers_are_as_described(chats: KeptChats) -> None:
    asks = {"model": "qwen-max", "stream": False, "think": True, "format": "", "options": {"num_predict": -1}}
    for name, path, body in (
        ("Chat", "chat", {**asks, "messages": [{"role": "user", "content": "Hello?"}]}),
        ("Text", "generate", {**asks, "prompt": "Hello?"}),
        ("Chat", "chat", {**asks, "messages": []}),
        ("Text", "generate", asks),
    ):
        check(f"Ollama{path.title()}Request", body)
        check(f"Ollama{name}", chats.client.post(f"/ollama/api/{path}", json=body).get_json())
    for name, path in (("Tags", "tags"), ("Loaded", "ps"), ("Version", "version")):
        check(f"Ollama{name}", chats.client.get(f"/ollama/api/{path}").get_json())
    check("OllamaModel", chats.client.post("/ollama/api/show", json={"model": "qwen-max"}).get_json())
    check("OllamaError", chats.client.post("/ollama/api/embed", json={}).get_json())


def test_the_statuses_are_as_described(chats: KeptChats, registry: Registry, clock: FakeClock) -> None:
    registry.add("token", "resting")
    registry.rest("resting", until=4e9)
    check("Status", chats.client.get("/api/status").get_json())


def test_the_errors_are_as_described(chats: KeptChats) -> None:
    check("OpenAIError", chats.client.post("/v1/chat/completions", json={}).get_json())
    check("OpenAIError", chats.client.get("/v1/models/no-such-model").get_json())
    check("OpenAIError", chats.client.get("/v1/responses").get_json())
    check("NativeError", chats.client.get("/api/chats/none").get_json())
    check("NativeError", chats.client.post("/api/files/upload", data={"file": (io.BytesIO(b""), "a.txt")}).get_json())
    chat_id = chats.say("Hello?").get_json()["chatId"]
    chats.site.script("a", RATE_LIMITED)
    failed = chats.say("And now?", chatId=chat_id).get_json()
    assert failed["chatId"] == chat_id
    check("NativeError", failed)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("CompletionRequest", {}),
        ("CompletionRequest", {"messages": []}),
        ("CompletionRequest", {"messages": [{"role": "user", "content": "x"}], "n": 2}),
        ("CompletionRequest", {"messages": [{"role": "clown", "content": "x"}]}),
        ("ResponseRequest", {}),
        ("ResponseRequest", {"input": 5}),
        ("CompactRequest", {"input": "x"}),
        ("TurnRequest", {}),
        ("Cleanup", {}),
        ("Cleanup", {"olderThan": 0}),
        ("ChatName", {"name": " "}),
    ],
    ids=spelled,
)
def test_bad_requests_are_not_described(schema: str, value: Any) -> None:
    inside = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    assert not Draft202012Validator(inside).is_valid(value)
