"""Whether a call of the corpus fits the schema of its own function: a few of the right answers do not.

Judged by another library than the reader's own code. Knows no notation.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from call_corpus.corpus import Case

# The corpus names types as Python, Java and JavaScript do; those that are not here may be anything.
_TYPES = {
    "string": "string", "integer": "integer", "long": "integer", "float": "number", "number": "number",
    "double": "number", "boolean": "boolean", "array": "array", "tuple": "array", "dict": "object", "object": "object",
}  # fmt: skip


def fits(case: Case) -> bool:
    """Tell whether the arguments have the types and values that the function demands, and all that are required."""
    validator = Draft202012Validator(_translated(case.tool.parameters))
    return bool(validator.is_valid(case.arguments))


def _translated(schema: Any) -> dict[str, Any]:
    """Return what a schema says about types, values and required members."""
    if not isinstance(schema, dict):
        return {}
    translated: dict[str, Any] = {}
    if (kind := _TYPES.get(str(schema.get("type")).lower())) is not None:
        translated["type"] = kind
    if isinstance(schema.get("enum"), list):
        translated["enum"] = schema["enum"]
    if isinstance(schema.get("required"), list):
        translated["required"] = schema["required"]
    if isinstance(properties := schema.get("properties"), dict):
        translated["properties"] = {name: _translated(each) for name, each in properties.items()}
    if "items" in schema:
        translated["items"] = _translated(schema["items"])
    return translated
