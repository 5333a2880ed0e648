"""What is a JSON schema, what one allows, and why a value does not satisfy it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from spelling import spelled

from qwenproxy.chat.schemas import NotASchema, Rules, check_schema

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
PERSON: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Person",
    "type": "object",
    "properties": {"name": {"type": "string"}, "friends": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["name"],
    "additionalProperties": False,
}


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(depth):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {},
        PERSON,
        {"$schema": "https://unknown.example/dialect", "type": "object"},
        {"$schema": DRAFT_7, "items": [{"type": "string"}, {"type": "integer"}]},
        {"$schema": "http://json-schema.org/draft-04/schema#", "exclusiveMinimum": True, "minimum": 1},
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object"}}},
        {"$ref": "#/definitions/A", "definitions": {"A": {"type": "object"}}},
        {"$ref": "#here", "$defs": {"A": {"$anchor": "here"}}},
        {"$dynamicAnchor": "node", "properties": {"child": {"$dynamicRef": "#node"}}},
        {
            "$id": "https://a.example/",
            "$ref": "b",
            "$defs": {"b": {"$id": "b", "$ref": "#/$defs/c", "$defs": {"c": {}}}},
        },
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        {"title": "Я 🙂", "x-ui": [1], "examples": [{}]},
    ],
    ids=spelled,
)
def test_a_schema(schema: Any) -> None:
    check_schema(schema)
    Rules(schema).problem({"a": [1, "x", None]})


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "objekt"}, "is not valid at $.type: 'objekt'"),
        ({"properties": {"a": {"required": "a"}}}, "is not valid at $.properties.a.required: 'a'"),
        ({"properties": []}, "is not valid at $.properties"),
        ({"pattern": "("}, "is not valid at $.pattern: '(' is not a 'regex'"),
        ({"items": [{"type": "string"}]}, "is not valid at $.items"),
        ({"$ref": "#/x", "x": {"y": {"pattern": 7}, "pattern": "(?P<1>a)"}}, "'(?P<1>a)' is not a 'regex'"),
        ({"$schema": 7}, "is not valid at $['$schema']"),
        ({"$schema": DRAFT_7, "exclusiveMinimum": True}, "is not valid at $.exclusiveMinimum"),
        ({"$ref": "#/$defs/A"}, "refers to #/$defs/A, which is not inside it"),
        ({"properties": {"a": {"items": {"$ref": "#/$defs/A"}}}}, "refers to #/$defs/A, "),
        ({"$ref": "#/x", "x": {"$ref": "#/y"}}, "refers to #/y, "),
        ({"$ref": "#/x", "x": {"type": 3}}, "is not valid at $.type: 3"),
        ({"$ref": "https://a.example/schema.json"}, "refers to https://a.example/schema.json, "),
        ({"$ref": "file:///etc/passwd"}, "refers to file:///etc/passwd, "),
        ({"$ref": "http://[bad"}, "refers to http://[bad, "),
        ({"$dynamicRef": "#node"}, "refers to #node, "),
        ({"$ref": "#"}, "refers to itself without end"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "refers to itself without end"),
        (nested(300), "is nested too deeply"),
        ({"const": "x" * 5000, "type": "x" * 5000}, "xxx ... xxx"),
    ],
    ids=spelled,
)
def test_no_schema(schema: Any, words: str) -> None:
    with pytest.raises(NotASchema) as error:
        check_schema(schema)
    assert words in str(error.value)
    assert len(str(error.value)) < 700


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a schema made us open an address")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("socket.create_connection", refuse)
    with pytest.raises(NotASchema):
        check_schema({"properties": {"a": {"$ref": "http://127.0.0.1:1/x.json"}}})


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [
        (None, "object"),
        ({}, "array object"),
        ({"type": "object"}, "object"),
        ({"type": ["object", "null"]}, "null object"),
        ({"type": "integer"}, "number"),
        ({"properties": {}}, "object"),
        ({"items": {}}, "array"),
        ({"enum": ["a", 1, None]}, "null number string"),
        ({"const": True}, "boolean"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "array"}}}, "array"),
        ({"anyOf": [{"type": "array"}, {"type": "string"}]}, "array string"),
        ({"oneOf": [{"type": "array"}, {}]}, "array object"),
        ({"allOf": [{}, {"type": "array"}]}, "array"),
        ({"anyOf": [{"$ref": "#"}]}, "array object"),
        ({"$schema": "http://json-schema.org/draft-03/schema#", "type": ["any", {"type": "string"}]}, "array object"),
    ],
    ids=spelled,
)
def test_kinds_of_documents(schema: Any, kinds: str) -> None:
    assert " ".join(sorted(Rules(schema).kinds)) == kinds


DEEP: dict[str, Any] = {}
for _ in range(2000):
    DEEP = {"n": DEEP}


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        (None, {}, ""),
        (None, [], "it is no JSON object"),
        (PERSON, {"name": "Ann", "friends": [{"name": "Bob"}]}, ""),
        (PERSON, {"name": "Ann", "friends": [{"name": 7}]}, "at $.friends[0].name: 7 is not of type 'string'"),
        (PERSON, [], "it is no JSON object"),
        ({"type": "object", "properties": {"a": {"format": "date"}}}, {"a": "no date"}, ""),
        ({"type": ["object", "string"], "maxLength": 1}, "ab", "at $: 'ab' is too long"),
        ({"properties": {"n": {"$ref": "#"}}}, DEEP, "it is nested too deeply to be checked"),
        ({"type": "number", "multipleOf": 0.1}, 10**400, "it holds a number that is out of range"),
        ({"type": "integer"}, 10**400, ""),
        ({"type": "string", "pattern": "^[a-z]+$"}, "ab1", "at $: 'ab1' does not match '^[a-z]+$'"),
        ({"$schema": DRAFT_7, "items": {"pattern": "b"}}, ["abc", 7], ""),
    ],
    ids=[
        "any",
        "array",
        "nested",
        "nested_wrong",
        "kind",
        "format",
        "scalar",
        "deep",
        "huge_multiple",
        "huge",
        "pattern",
        "matches",
    ],
)
def test_problems(schema: Any, value: Any, problem: str) -> None:
    assert Rules(schema).problem(value) == problem


def test_a_pattern_that_takes_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwenproxy.chat.schemas.PATTERN_WAIT", 0.05)
    slow = {"$schema": DRAFT_7, "properties": {"a": {"pattern": "^(a|aa)+$"}, "b": {"$ref": "#"}}}
    for value in ({"a": "a" * 90 + "!"}, {"b": {"a": "a" * 90 + "!"}}):
        assert Rules(slow).problem(value) == "it holds a text that a pattern of the schema takes too long to check"


def test_a_problem_is_short() -> None:
    assert len(Rules({"additionalProperties": False, "type": "object"}).problem({"k" * 9000: json.dumps(PERSON)})) < 700
