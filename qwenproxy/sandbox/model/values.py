"""Makes values that fit a JSON schema: arguments of functions, and documents. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import rstr

_DEEPEST = 6  # below it only what is required is made, so that recursive schemas end
_FORMATS = {
    "date-time": "2026-03-04T05:06:07Z",
    "date": "2026-03-04",
    "time": "05:06:07Z",
    "duration": "P1D",
    "email": "person@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "5a0db0c5-7a5e-4d0e-9d8e-0d5a1b0c0000",
}


def value_for(schema: Any, *, whole: bool = False, text: str = "text") -> Any:
    """Return a value that fits `schema`; `whole` True fills in what is not required, too.

    `text` stands where any string fits.
    """
    return _Maker(schema, whole, text).make(schema, 0)


class _Maker:
    """Makes values for one schema; `root` is where its references lead."""

    def __init__(self, root: Any, whole: bool, text: str) -> None:
        self._root = root
        self._whole = whole
        self._text = text

    def make(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, Mapping):
            return self._text
        if depth > _DEEPEST and {"type": "null"} in (schema.get("anyOf") or schema.get("oneOf") or ()):
            return None
        schema = self._plain(schema)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return schema["enum"][0]
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in ("integer", "number"):
            return _number(schema, whole=kind == "integer")
        return {"boolean": True, "null": None}.get(kind, _string(schema, self._text) if kind == "string" else None)

    def _plain(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return the schema with its references, alternatives and parts resolved."""
        merged = dict(schema)
        for _ in range(20):
            parts: list[Any] = []
            if isinstance(merged.get("$ref"), str):
                parts.append(self._target(merged.pop("$ref")))
            for word in ("anyOf", "oneOf"):
                if options := merged.pop(word, None):
                    parts.append(next((one for one in options if one != {"type": "null"}), options[0]))
            parts += merged.pop("allOf", None) or []
            if not parts:
                return merged
            for part in parts:
                merged = _joined(merged, part if isinstance(part, Mapping) else {})
        return merged

    def _target(self, reference: str) -> Any:
        target = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, Mapping) else None
        return target if isinstance(target, Mapping) else {}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        names = [name for name in schema.get("required") or [] if isinstance(name, str)]
        if self._whole and depth < _DEEPEST:
            names += [name for name in properties if name not in names]
        if depth > 2 * _DEEPEST:
            return {}
        return {name: self.make(properties.get(name, True), depth + 1) for name in names}

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        first = schema.get("prefixItems")
        first = first if isinstance(first, list) else []
        least = _whole_number(schema.get("minItems"), 0)
        count = max(least, len(first) or (1 if depth < _DEEPEST else 0))
        if schema.get("items") is False:
            count = len(first)
        count = min(count, _whole_number(schema.get("maxItems"), count))
        values = [
            self.make(first[at] if at < len(first) else schema.get("items", True), depth + 1) for at in range(count)
        ]
        return [_other(value, at) for at, value in enumerate(values)] if schema.get("uniqueItems") else values


def _joined(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    joined = {**left, **right}
    if "properties" in left and "properties" in right:
        joined["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        joined["required"] = [*left["required"], *(one for one in right["required"] if one not in left["required"])]
    return joined


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "number" if "minimum" in schema or "maximum" in schema else "string"


def _number(schema: Mapping[str, Any], *, whole: bool) -> float:
    step = schema.get("multipleOf", 1 if whole else None)
    low, high = schema.get("minimum"), schema.get("maximum")
    gap = step or 0.5
    if isinstance(schema.get("exclusiveMinimum"), int | float):
        low = schema["exclusiveMinimum"] + gap
    if isinstance(schema.get("exclusiveMaximum"), int | float):
        high = schema["exclusiveMaximum"] - gap
    value = max(low, 1) if low is not None else 1
    if high is not None and value > high:
        value = high if low is None or not step else low
    if step:
        value = math.ceil(value / step) * step
        value = math.floor(high / step) * step if high is not None and value > high else value
    return int(value) if whole or float(value).is_integer() else float(value)


def _string(schema: Mapping[str, Any], usual: str) -> str:
    shortest = _whole_number(schema.get("minLength"), 0)
    longest = _whole_number(schema.get("maxLength"), max(shortest, 10_000))
    if isinstance(schema.get("pattern"), str):
        return _matching(schema["pattern"], shortest, longest)
    text = _FORMATS.get(str(schema.get("format")), usual)
    return (text + "x" * (shortest - len(text)))[:longest]


def _matching(pattern: str, shortest: int, longest: int) -> str:
    """Return a text for a pattern, the simplest of some that are tried."""
    if pattern.startswith("^"):
        pattern = pattern[1:]
    texts = (rstr.Rstr(random.Random(seed)).xeger(pattern) for seed in range(50))
    fitting = [text for text in texts if shortest <= len(text) <= longest]
    return min(fitting, key=len, default="text")


def _whole_number(value: Any, default: int) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def _other(value: Any, at: int) -> Any:
    """Return the value, made unlike those at other places."""
    if at == 0 or isinstance(value, bool):
        return value if at == 0 else not value
    if isinstance(value, int | float):
        return value + at
    return f"{value}{at}" if isinstance(value, str) else value
