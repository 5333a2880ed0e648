"""Translate the schemas of Google's API into JSON schemas: types in capitals, `nullable`, `propertyOrdering`.

The readers of tools and of the form of an answer use it. A JSON schema passes through unchanged, because clients put
one in the same fields. Knows no request. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qwenproxy.api.gemini.spelling import camel

_TYPES: Mapping[str, str] = {
    "STRING": "string", "NUMBER": "number", "INTEGER": "integer", "BOOLEAN": "boolean", "ARRAY": "array",
    "OBJECT": "object", "NULL": "null",
}  # fmt: skip
_NO_TYPE = "TYPE_UNSPECIFIED"
# Google writes these numbers as texts, because its integers have 64 bits.
_COUNTS = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "minimum", "maximum"}
)
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMA_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_RENAMED: Mapping[str, str] = {"defs": "$defs", "ref": "$ref"}
# Names of the neighbouring vocabulary that only this API spells with underscores.
_KEYWORDS = frozenset(
    {
        "any_of", "one_of", "all_of", "prefix_items", "additional_properties", "max_items", "max_length",
        "max_properties", "min_items", "min_length", "min_properties", "property_ordering",
    }
)  # fmt: skip
_DEEPEST = 200  # levels; Python itself fails not far beyond


def json_schema(value: Any, depth: int = 0) -> Any:
    """Return the JSON schema that a schema of either form means. What is no schema stays as it is."""
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return value
    inner: Callable[[Any], Any] = lambda each: json_schema(each, depth + 1)  # noqa: E731 - it only adds the depth
    schema: dict[str, Any] = {}
    for name, content in value.items():
        keyword = _keyword(name)
        if keyword in ("propertyOrdering", "nullable", "example"):
            continue
        if keyword == "type":
            kind = _type(content)
            if kind is not None:
                schema["type"] = kind
        elif keyword in _SCHEMA_MAPS and isinstance(content, Mapping):
            schema[keyword] = {key: inner(each) for key, each in content.items()}
        elif keyword in _SCHEMA_LISTS and isinstance(content, list):
            schema[keyword] = [inner(each) for each in content]
        elif keyword in ("items", "additionalProperties", "not"):
            schema[keyword] = inner(content)
        else:
            schema[keyword] = _number(content) if keyword in _COUNTS else content
    _put_in_order(schema, value)
    return _with_null(schema) if value.get("nullable") is True else schema


def _keyword(name: str) -> str:
    name = camel(name) if name in _KEYWORDS else name
    return _RENAMED.get(name, name)


def _type(value: Any) -> Any:
    """Return the type in JSON schema's word; None for the word that says nothing."""
    if isinstance(value, list):
        return [_TYPES.get(each, each) if isinstance(each, str) else each for each in value]
    if value == _NO_TYPE:
        return None
    return _TYPES.get(value, value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        return value


def _put_in_order(schema: dict[str, Any], value: Mapping[str, Any]) -> None:
    """Put the properties in the order that the schema asks for: models write them as they read them."""
    order, properties = value.get("propertyOrdering", value.get("property_ordering")), schema.get("properties")
    if isinstance(order, list) and isinstance(properties, Mapping):
        first = {name: properties[name] for name in order if isinstance(name, str) and name in properties}
        schema["properties"] = {**first, **properties}


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that also allows null."""
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "null":
        values = schema.get("enum")
        more = {"enum": [*values, None]} if isinstance(values, list) and None not in values else {}
        return {**schema, "type": [kind, "null"], **more}
    if kind is None and "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if kind is None and "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema
