"""Arguments made to fit a schema: what a model means by "42" where a number is wanted, and the other way round."""

from __future__ import annotations

import json
from typing import Any

import pytest
from call_reading import asked, outcome, texts
from spelling import spelled

from qwenproxy.chat import Tool

NODE = {"type": "object", "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}}}
POINT = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}
SHAPE = {
    "oneOf": [
        {"type": "object", "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}}, "required": ["kind"]},
        {"type": "object", "properties": {"kind": {"const": "square"}, "a": {"type": "string"}}, "required": ["kind"]},
    ]
}
WRONG = "wrong"


def given(schema: Any, written: str) -> Any:
    """Return what becomes of the argument `a`, written as this JSON, or WRONG."""
    tool = Tool("do", "", {"type": "object", "properties": {"a": schema}, "required": ["a"], "$defs": {"node": NODE}})
    result = outcome(texts([f'<tool_call>{{"name": "do", "arguments": {{"a": {written}}}}}</tool_call>']), asked(tool))
    return WRONG if "correction" in result[0] else result[0][1]["a"]


@pytest.mark.parametrize(
    ("schema", "written", "value"),
    [
        ({"type": "string"}, "42", "42"),
        ({"type": "string"}, '"42"', "42"),
        ({"type": "string"}, "true", "true"),
        ({"type": "string"}, '{"b": [1]}', '{"b": [1]}'),
        ({"type": "string"}, "1e400", "1e400"),
        ({"type": "string"}, "null", WRONG),
        ({"type": ["string", "null"]}, "null", None),
        ({"type": "string", "nullable": True}, "null", None),
        ({"type": "integer"}, '"42"', 42),
        ({"type": "integer"}, "42.0", 42),
        ({"type": "integer"}, '" 42 "', 42),
        ({"type": "integer"}, "4.5", WRONG),
        ({"type": "integer"}, '"4.5"', WRONG),
        ({"type": "integer"}, '"many"', WRONG),
        ({"type": "integer"}, "true", WRONG),
        ({"type": "integer"}, "123456789012345678901234567890", 123456789012345678901234567890),
        ({"type": "integer"}, '"123456789012345678901234567890"', 123456789012345678901234567890),
        ({"type": "number"}, '"4.5"', 4.5),
        ({"type": "number"}, "4", 4),
        ({"type": "number"}, "NaN", WRONG),
        ({"type": "number"}, "1e400", WRONG),
        ({"type": "number"}, '"1e400"', WRONG),
        ({"type": ["number", "null"]}, "1e400", WRONG),
        ({}, "1e400", WRONG),
        ({"type": "array"}, "[1e400]", WRONG),
        ({"type": "boolean"}, '"true"', True),
        ({"type": "boolean"}, '"False"', False),
        ({"type": "boolean"}, '"yes"', WRONG),
        ({"type": "array", "items": {"type": "integer"}}, '"[1, \\"2\\"]"', [1, 2]),
        ({"type": "array", "items": {"type": "integer"}}, '["1", 2]', [1, 2]),
        ({"type": "array", "items": {"type": "integer"}}, '["x"]', WRONG),
        ({"type": "array"}, "{}", WRONG),
        ({"type": "object"}, '"{\\"b\\": 1}"', {"b": 1}),
        ({"type": "object"}, "\"{'b': None}\"", {"b": None}),
        (POINT, '{"x": "1.5", "more": "2"}', {"x": 1.5, "more": "2"}),
        (POINT, '{"y": 1}', WRONG),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "42", 42),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, '"42"', "42"),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, '"42"', 42),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, '""', None),
        ({"anyOf": [POINT, {"type": "object", "properties": {"y": {"type": "integer"}}}]}, '{"y": "1"}', {"y": 1}),
        ({"allOf": [POINT]}, '{"x": "1"}', {"x": 1}),
        ({"$ref": "#/$defs/node"}, '{"value": "1", "next": {"value": "2"}}', {"value": 1, "next": {"value": 2}}),
        ({"$ref": "#/$defs/none"}, '{"value": "1"}', {"value": "1"}),
        ({"enum": [1, 2]}, '"1"', 1),
        ({"const": "x"}, '"x"', "x"),
        ({"const": "x"}, '"y"', WRONG),
        ({"const": 1}, "true", WRONG),
        ({"const": 1}, "1.0", 1),
        ({"type": "string", "enum": ["celsius", "kelvin"]}, '"kelvin"', "kelvin"),
        ({"type": "string", "enum": ["celsius", "kelvin"]}, '" Celsius "', "celsius"),
        ({"type": "string", "enum": ["celsius", "kelvin"]}, '"C"', WRONG),
        ({"type": "string", "enum": ["in_progress"]}, '"In-Progress"', "in_progress"),
        ({"type": "string", "enum": ["a", "A"]}, '"a"', "a"),
        ({"type": "string", "enum": ["a b", "A-B"]}, '"A_B"', WRONG),
        ({"type": "string", "enum": ["1", "2"]}, "1", "1"),
        ({"type": "integer", "enum": ["1", "2"]}, "1", 1),
        ({"type": "integer", "enum": [1, 2]}, "3", WRONG),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, '["a", "B"]', ["a", "b"]),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, '["c"]', WRONG),
        ({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, '"A"', "a"),
        ({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, '"c"', WRONG),
        ({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, "null", None),
        ({"anyOf": [{"enum": ["a", "b"]}, {"type": "string"}]}, '"c"', "c"),
        ({"anyOf": [{"enum": ["a"]}, {"type": "integer"}]}, "7", 7),
        ({"allOf": [{"type": "string"}, {"enum": ["a", "b"]}]}, '"c"', WRONG),
        ({"enum": []}, '"c"', "c"),
        (SHAPE, '{"kind": "circle", "r": "2"}', {"kind": "circle", "r": 2}),
        (SHAPE, '{"kind": "Square", "a": 2}', {"kind": "square", "a": "2"}),
        (SHAPE, '{"kind": "line"}', WRONG),
        ({"properties": {"x": {"enum": [1]}, "y": {}}, "anyOf": [{"required": ["x"]}, {"required": ["y"]}]},
         '{"x": "1"}', {"x": 1}),
        ({"properties": {"x": {"enum": [1]}, "y": {}}, "anyOf": [{"required": ["x"]}, {"required": ["y"]}]},
         '{"x": 2}', WRONG),
        ({"additionalProperties": {"type": "integer"}, "type": "object"}, '{"b": "1"}', {"b": 1}),
        ({"type": "float"}, '"1.5"', 1.5),
        ({"type": "any"}, '"1"', "1"),
        ({"type": 7}, '"1"', "1"),
        (True, '"1"', "1"),
        ({}, '[null, "1"]', [None, "1"]),
    ],
ids=spelled)  # fmt: skip
def test_an_argument_is_made_to_fit(schema: Any, written: str, value: Any) -> None:
    result = given(schema, written)
    assert (type(result), result) == (type(value), value)


def test_null_for_an_argument_that_may_be_left_out_leaves_it_out() -> None:
    tool = Tool("do", "", {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]})
    answer = '<tool_call>{"name": "do", "arguments": {"a": 1, "b": null, "c": null}}</tool_call>'
    assert outcome(texts([answer]), asked(tool))[0] == ("do", {"a": 1, "c": None})


@pytest.mark.parametrize(
    ("schema", "written", "value"),
    [
        ({"type": "string"}, '"quoted"', '"quoted"'),
        ({"type": "string"}, "null", "null"),
        ({"type": ["string", "null"]}, "null", None),
        ({"type": ["string", "null"]}, '"quoted"', '"quoted"'),
        ({"type": ["string", "integer"]}, "42", 42),
        ({"type": ["string", "integer"]}, "42 apples", "42 apples"),
        ({"type": "array"}, '["a", 1]', ["a", 1]),
        ({"type": "boolean"}, "True", True),
        ({"type": "string", "enum": ["a", "b"]}, "\nA\n", "a"),
        ({"type": "string"}, "1e400", "1e400"),
        ({}, "NaN", "NaN"),
        ({}, "words", "words"),
        ({}, '"42"', "42"),
        ({}, "42", 42),
        ({}, "", ""),
    ],
    ids=spelled,
)
def test_bare_text_is_read_by_its_schema(schema: Any, written: str, value: Any) -> None:
    tool = Tool("do", "", {"properties": {"a": schema}, "required": ["a"]})
    answer = f'<use_function name="do">\n<argument name="a">{written}</argument>\n</use_function>'
    assert outcome(texts([answer]), asked(tool))[0] == ("do", {"a": value})


@pytest.mark.parametrize(("mode", "value"), [("a", "a"), ("B", "b"), ("c", WRONG)])
def test_alternatives_of_all_arguments(mode: str, value: str) -> None:
    alternatives = [{"properties": {"mode": {"const": each}}} for each in ("a", "b")]
    tool = Tool("do", "", {"type": "object", "anyOf": alternatives})
    (result, *_) = outcome(
        texts([f'<tool_call>{{"name": "do", "arguments": {{"mode": "{mode}"}}}}</tool_call>']), asked(tool)
    )
    assert result == ("do", {"mode": value}) or (value == WRONG and "'mode' must be one of" in result["correction"])


def test_a_schema_that_refers_to_itself_ends() -> None:
    schema = {"$ref": "#", "anyOf": [{"$ref": "#"}]}
    loop = {"anyOf": [{"$ref": "#/$defs/a"}]}
    for parameters in (schema, {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": loop}}):
        answer = f'<tool_call>{{"name": "do", "arguments": {json.dumps({"a": 1})}}}</tool_call>'
        assert outcome(texts([answer]), asked(Tool("do", "", parameters)))[0] == ("do", {"a": 1})
