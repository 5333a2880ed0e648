"""JSON schemas, written compactly."""

from __future__ import annotations

from typing import Any

import pytest

from qwenproxy.upstream.schemas import compact

CITY = {"type": "string", "description": "where"}


@pytest.mark.parametrize(
    ("schema", "short"),
    [
        pytest.param(
            {"$schema": "x", "$id": "y", "type": "object", "properties": {"city": {**CITY, "title": "City"}}},
            {"type": "object", "properties": {"city": CITY}},
            id="what tells nothing goes",
        ),
        pytest.param(
            {"properties": {"a_b": {"title": "Other", "description": ""}}},
            {"properties": {"a_b": {"title": "Other"}}},
            id="a title of its own stays",
        ),
        pytest.param(
            {"properties": {"title": CITY, "$schema": CITY, "description": CITY}},
            {"properties": {"title": CITY, "$schema": CITY, "description": CITY}},
            id="parameters with such names stay",
        ),
        pytest.param(
            {"enum": [{"title": "", "$id": 1}], "default": {"description": ""}},
            {"enum": [{"title": "", "$id": 1}], "default": {"description": ""}},
            id="values are no schemas",
        ),
        pytest.param(
            {"anyOf": [{"$schema": "x", "type": "null"}], "$defs": {"P": {"title": "P"}}},
            {"anyOf": [{"type": "null"}], "$defs": {"P": {}}},
            id="everywhere inside",
        ),
        pytest.param({"items": True, "not": 3}, {"items": True, "not": 3}, id="odd schemas stay"),
    ],
)
def test_compact(schema: Any, short: Any) -> None:
    assert compact(schema) == short


def test_a_very_deep_schema_is_no_trouble() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"items": schema}
    assert "items" in compact(schema)
