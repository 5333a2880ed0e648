"""Small pieces of JSON schemas. Knows no object of the API."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}


def ref(name: str) -> Schema:
    """Return a reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def array_of(items: Schema, **more: Any) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items, **more}


def an_object(required: str, /, **properties: Schema) -> Schema:
    """Return the schema of an object; `required` names fields, separated by blanks."""
    return {"type": "object", "properties": properties, **({"required": required.split()} if required else {})}


def nullable(schema: Schema) -> Schema:
    """Return the schema of a value that may be null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def const(value: Any) -> Schema:
    return {"const": value}


def described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}
