"""Calls as the stand-in's model writes them in elements: an argument reads as what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from call_reading import asked, outcome, texts
from spelling import spelled

from qwenproxy.chat import Tool
from qwenproxy.sandbox.model.dialects import Call, written

NULLABLE = {"anyOf": [{"type": "string"}, {"type": "null"}]}
SCHEMAS: list[Any] = [
    {"type": "string"},
    {"type": "String"},
    {"type": "any"},
    {},
    None,
    {"enum": ["10", "x"]},
    NULLABLE,
]


@pytest.mark.parametrize("dialect", ["use_function", "coder", "invoke", "tool_call"])
@pytest.mark.parametrize("schema", SCHEMAS, ids=spelled)
@pytest.mark.parametrize("value", ["10", "x"])
def test_a_string_stays_a_string(dialect: str, schema: Any, value: str) -> None:
    parameters = {"type": "object", "properties": {} if schema is None else {"a": schema}}
    text = written(Call("do", {"a": value}), dialect, parameters)
    assert outcome(texts([text]), asked(Tool("do", "", parameters)))[0] == ("do", {"a": value})


@pytest.mark.parametrize("value", ["\n", "\nx", "\nx\n", "x\n", "\n\nx"], ids=json.dumps)
def test_line_breaks_of_a_string_stay(value: str) -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "string"}}}
    text = written(Call("do", {"a": value}), "use_function", parameters)
    assert outcome(texts([text]), asked(Tool("do", "", parameters)))[0] == ("do", {"a": value})
