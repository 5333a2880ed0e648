"""Answers held against the OpenAPI document."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from qwenproxy.api.openapi import document

SCHEMAS = document()["components"]["schemas"]


def check(schema: str, value: Any) -> None:
    """Hold a value against one of the schemas."""
    inside = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    Draft202012Validator(inside).validate(value)
