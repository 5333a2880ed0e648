"""JSON schemas of clients: what is one, which JSON values it allows, and why a value does not satisfy it.

Below the stage that holds an answer to its form, and below the readers of requests. Only this module uses the
libraries of JSON schema. Nothing is ever fetched: a reference must lead to a place inside its schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend, validator_for
from jsonschema_specifications import REGISTRY
from referencing import Registry, Resource, Specification
from referencing.exceptions import Unresolvable
from referencing.jsonschema import specification_with

_REFERENCES = ("$ref", "$dynamicRef")
_NESTED = frozenset({"object", "array"})
_KINDS: Mapping[type, str] = {
    bool: "boolean", dict: "object", float: "number", int: "number", list: "array", str: "string", type(None): "null",
}  # fmt: skip
# What describes members of a value without saying its type means that type.
_MEMBERS: Mapping[str, str] = {
    "additionalProperties": "object", "items": "array", "patternProperties": "object", "prefixItems": "array",
    "properties": "object", "required": "object",
}  # fmt: skip
_LONGEST = 300  # characters of a library's words: they may quote a whole document

PATTERN_WAIT = 1.0  # seconds for one text: a pattern such as (a|aa)+$ could keep all of the server waiting

Schema = Mapping[str, Any]


class NotASchema(ValueError):
    """A value is no JSON schema; the message goes on from "it": `is nested too deeply`."""


def check_schema(schema: Schema) -> None:
    """Check a schema and all its references. Raises NotASchema.

    Its dialect is the one that `$schema` names, 2020-12 if it names none that is known.
    """
    dialect = _dialect(schema)
    try:
        dialect.check_schema(schema)
        _check_references(schema, dialect)
    except SchemaError as error:
        raise NotASchema(f"is not valid at {shortened(error.json_path)}: {shortened(error.message)}") from None
    except RecursionError:
        raise NotASchema("is nested too deeply") from None
    if Rules(schema).is_endless:
        raise NotASchema("refers to itself without end")


class Rules:
    """What a document must be: a JSON object, or with a schema what that says. `kinds` are the JSON types it may have.

    The schema must have passed `check_schema`.
    """

    def __init__(self, schema: Schema | None) -> None:
        self.kinds = frozenset({"object"})
        self._validator: Any = None
        if schema is not None:
            self.kinds = _NESTED
            dialect = _dialect(schema)
            # Without the dialect's name every part is checked with our patterns; with a registry nothing is fetched.
            nameless = {name: value for name, value in schema.items() if name != "$schema"}
            self._validator = extend(dialect, {"pattern": _check_pattern})(nameless, registry=Registry())
            specification = _specification(dialect)
            resolver = REGISTRY.resolver_with_root(specification.create_resource(schema))
            with suppress(NotASchema):  # a part with a base address of its own
                self.kinds = _kinds_of(schema, resolver) or _NESTED

    @property
    def scalars(self) -> frozenset[str]:
        """The kinds that have no brackets."""
        return self.kinds - _NESTED

    @property
    def is_endless(self) -> bool:
        """Whether no value can be checked at all."""
        samples: tuple[Any, ...] = ({}, [], "", 0, None)
        try:
            for value in samples:
                self._validator.is_valid(value)
        except RecursionError:
            return True
        return False

    def problem(self, value: Any) -> str:
        """Return why a value is not allowed, with its place; empty if it is."""
        if _KINDS[type(value)] not in self.kinds:
            return f"it is no JSON {' or '.join(sorted(self.kinds))}"
        if self._validator is None:
            return ""
        try:
            error = best_match(self._validator.iter_errors(value))
        except RecursionError:
            return "it is nested too deeply to be checked"
        except ArithmeticError:
            return "it holds a number that is out of range"
        except TimeoutError:
            return "it holds a text that a pattern of the schema takes too long to check"
        return f"at {shortened(error.json_path)}: {shortened(error.message)}" if error else ""


def shortened(words: str) -> str:
    """Return a text without its middle where it is long."""
    half = _LONGEST // 2
    return words if len(words) <= _LONGEST else f"{words[:half]} ... {words[-half:]}"


def _dialect(schema: Schema) -> Any:
    name = schema.get("$schema")
    return validator_for(schema, default=Draft202012Validator) if isinstance(name, str) else Draft202012Validator


def _specification(dialect: Any) -> Specification[Any]:
    return specification_with(dialect.META_SCHEMA["$schema"])


def _check_references(schema: Schema, dialect: Any) -> None:
    """Look up every reference, also in parts that only references lead to. Raises NotASchema, SchemaError."""
    specification = _specification(dialect)
    root = specification.create_resource(schema)
    pending: list[tuple[Any, Any]] = [(root, REGISTRY.resolver_with_root(root))]
    seen = set()
    while pending:
        resource, resolver = pending.pop()
        if not isinstance(resource.contents, Mapping) or id(resource.contents) in seen:
            continue
        seen.add(id(resource.contents))
        _check_patterns(resource.contents)
        for target in _targets(resource.contents, resolver):
            if id(target.contents) not in seen:
                # The target may stand where no schema is looked for otherwise.
                dialect.check_schema(target.contents)
                pending.append((specification.create_resource(target.contents), target.resolver))
        pending += [(each, resolver.in_subresource(each)) for each in _parts(resource)]


def _check_patterns(schema: Schema) -> None:
    try:
        regex.compile(schema.get("pattern", ""))
    except (regex.error, TypeError):
        raise NotASchema(f"has a pattern that is not supported: {shortened(str(schema['pattern']))}") from None


def _check_pattern(validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """Yield the error of a text that does not match, as the library does. Raises TimeoutError."""
    if validator.is_type(value, "string") and not regex.search(pattern, value, timeout=PATTERN_WAIT):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _targets(contents: Schema, resolver: Any) -> Iterator[Any]:
    for name in _REFERENCES:
        if isinstance(reference := contents.get(name), str):
            try:
                yield resolver.lookup(reference)
            except (Unresolvable, ValueError):
                raise NotASchema(f"refers to {shortened(reference)}, which is not inside it") from None


def _parts(resource: Resource[Any]) -> list[Resource[Any]]:
    return list(resource.subresources())


def _kinds_of(schema: Any, resolver: Any, depth: int = 20) -> frozenset[str]:
    """Return the JSON types that a schema names for a value, as far as it does; empty if it does not."""
    if not isinstance(schema, Mapping) or depth == 0:
        return frozenset()
    if named := schema.get("type"):
        types = {
            "number" if each == "integer" else str(each) for each in ([named] if isinstance(named, str) else named)
        }
        return frozenset(types) if types <= set(_KINDS.values()) else frozenset()
    if "const" in schema:
        return frozenset({_KINDS[type(schema["const"])]})
    if isinstance(values := schema.get("enum"), list):
        return frozenset(_KINDS[type(each)] for each in values)
    for target in _targets(schema, resolver):
        if kinds := _kinds_of(target.contents, target.resolver, depth - 1):
            return kinds
    for name in ("anyOf", "oneOf"):
        choices = [_kinds_of(each, resolver, depth - 1) for each in schema.get(name) or ()]
        if choices and all(choices):
            return frozenset().union(*choices)
    for each in schema.get("allOf") or ():
        if kinds := _kinds_of(each, resolver, depth - 1):
            return kinds
    return frozenset(kind for member, kind in _MEMBERS.items() if member in schema)
