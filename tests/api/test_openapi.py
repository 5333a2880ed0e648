"""GET /openapi.json: a valid document that describes every route, and describes the answers as they are."""

from __future__ import annotations

import io
import json
import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from replies import RATE_LIMITED

from qwenproxy import errors
from qwenproxy.api.openapi import document
from qwenproxy.api.openapi.schemas import ERROR_CODES

METHODS = ("get", "post", "put", "delete", "patch")

SCHEMAS = document()["components"]["schemas"]


def described():
    return {
        (method, re.sub(r"{\w+}", "{}", path))
        for path, item in document()["paths"].items()
        for method in item
        if method in METHODS
    }


def served(app):
    return {
        (method.lower(), re.sub(r"<[^<>]+>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or ()) - {"HEAD", "OPTIONS"}
    }


def check(schema, value):
    """Hold a value against one of the schemas."""
    inside = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    Draft202012Validator(inside).validate(value)


def test_the_document_is_valid(chats):
    response = chats.client.get("/openapi.json")
    assert response.mimetype == "application/json"
    assert response.text.startswith('{"openapi":"3.1.0",')
    OpenAPIV31SpecValidator(response.json).validate()


def test_every_route_is_described_and_nothing_else(chats):
    assert described() == served(chats.app)


def test_every_schema_is_used_and_no_other():
    text = json.dumps(document())
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) == set(SCHEMAS)


def test_every_error_code_is_named():
    def codes(kind):
        return {kind.code}.union(*(codes(each) for each in kind.__subclasses__()))

    assert set(ERROR_CODES) == codes(errors.ProxyError)


def test_the_answers_are_as_described(chats):
    ask = {"messages": [{"role": "user", "content": "Hello?"}]}
    check("CompletionRequest", ask)
    check("TextCompletion", chats.client.post("/v1/completions", json={"prompt": "Hello?"}).json)
    check("Completion", chats.client.post("/v1/chat/completions", json=ask).json)
    turn = chats.say("Hello?").json
    check("TurnCompletion", turn)
    check("Completion", turn)
    check("ModelList", chats.client.get("/v1/models").json)
    check("Model", chats.client.get("/v1/models/qwen-max").json)
    check("Chat", chats.client.get(f"/api/chats/{turn['chatId']}").json)
    check("ChatList", chats.client.get("/api/chats").json)
    check("ChatRenamed", chats.client.put(f"/api/chats/{turn['chatId']}/rename", json={"name": "x"}).json)
    check("Success", chats.client.delete(f"/api/chats/{turn['chatId']}").json)
    check("ChatCreated", chats.client.post("/api/chats", json={}).json)
    check("CleanedUp", chats.client.post("/api/chats/cleanup", json={"maxChats": 1}).json)
    check("Health", chats.client.get("/health").json)


def test_the_statuses_are_as_described(chats, registry, clock):
    registry.add("token", "resting")
    registry.rest("resting", until=4e9)
    check("Status", chats.client.get("/api/status").json)


def test_the_errors_are_as_described(chats):
    check("OpenAIError", chats.client.post("/v1/chat/completions", json={}).json)
    check("OpenAIError", chats.client.get("/v1/models/no-such-model").json)
    check("NativeError", chats.client.get("/api/chats/none").json)
    check("NativeError", chats.client.post("/api/files/upload", data={"file": (io.BytesIO(b""), "a.txt")}).json)
    chat_id = chats.say("Hello?").json["chatId"]
    chats.site.script("a", RATE_LIMITED)
    failed = chats.say("And now?", chatId=chat_id).json
    assert failed["chatId"] == chat_id
    check("NativeError", failed)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("CompletionRequest", {}),
        ("CompletionRequest", {"messages": []}),
        ("CompletionRequest", {"messages": [{"role": "user", "content": "x"}], "n": 2}),
        ("CompletionRequest", {"messages": [{"role": "clown", "content": "x"}]}),
        ("TurnRequest", {}),
        ("Cleanup", {}),
        ("Cleanup", {"olderThan": 0}),
        ("ChatName", {"name": " "}),
    ],
)
def test_bad_requests_are_not_described(schema, value):
    inside = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    assert not Draft202012Validator(inside).is_valid(value)
