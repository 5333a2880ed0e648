"""Values made from JSON schemas fit them."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.sandbox.model.values import value_for

SCHEMAS: dict[str, dict[str, Any]] = {
    "required alone": {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]},
    "enum": {"type": "object", "properties": {"unit": {"enum": ["c", "f"]}}, "required": ["unit"]},
    "const and null": {"anyOf": [{"type": "null"}, {"const": 7}]},
    "types": {"type": ["null", "integer"], "minimum": 3},
    "between": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "step": {"type": "integer", "multipleOf": 7, "minimum": 10, "maximum": 20},
    "negative": {"type": "integer", "maximum": -3},
    "pattern": {"type": "string", "pattern": "^[A-Z]{2}-\\d{4}$"},
    "pattern of a length": {"type": "string", "pattern": "^[a-z]+$", "minLength": 3, "maxLength": 5},
    "lengths": {"type": "string", "minLength": 9, "maxLength": 9},
    "date": {"type": "string", "format": "date-time"},
    "items": {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": False},
    "reference": {
        "$defs": {"city": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
        "type": "object",
        "properties": {"cities": {"type": "array", "items": {"$ref": "#/$defs/city"}, "minItems": 1}},
        "required": ["cities"],
    },
    "all of": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
        ]
    },
    "recursive": {
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
        "$ref": "#/$defs/node",
    },
}


@pytest.mark.parametrize("whole", [False, True], ids=["what is required", "everything"])
@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_value_fits_its_schema(schema: dict[str, Any], whole: bool) -> None:
    value = value_for(schema, whole=whole)
    jsonschema.validate(value, schema)
    assert value_for(schema, whole=whole) == value


BOUNDS = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda pair: (pair[0], pair[0] + pair[1]))
LEAVES = st.one_of(
    st.just({"type": "boolean"}),
    BOUNDS.map(lambda ends: {"type": "integer", "minimum": ends[0], "maximum": ends[1]}),
    BOUNDS.map(lambda ends: {"type": "integer", "minimum": -ends[1], "maximum": -ends[0]}),
    BOUNDS.map(lambda ends: {"type": "string", "minLength": ends[0], "maxLength": ends[1]}),
    st.lists(st.text(max_size=3), min_size=1, max_size=3).map(lambda words: {"enum": words}),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)),
        st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3).map(
            lambda fields: {"type": "object", "properties": fields, "required": sorted(fields)[:2]}
        ),
        inner.map(lambda one: {"anyOf": [{"type": "null"}, one]}),
    ),
    max_leaves=8,
)


@given(TREES, st.booleans())
def test_values_of_any_tree_fit(schema: dict[str, Any], whole: bool) -> None:
    jsonschema.validate(value_for(schema, whole=whole), schema)
