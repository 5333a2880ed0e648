"""What a JSON schema lets a value be, and a value made to fit it: models write "42" for 42, and the other way round.

Only types count, because a client judges the rest itself; a schema that we do not understand allows everything. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwenproxy.chat.calls.lenient import Unreal, dumped, parse
from qwenproxy.chat.calls.source import Faulty

_TYPES = {
    "string": "string", "str": "string", "integer": "integer", "int": "integer", "long": "integer",
    "number": "number", "float": "number", "double": "number", "boolean": "boolean", "bool": "boolean",
    "array": "array", "list": "array", "tuple": "array", "object": "object", "dict": "object", "null": "null",
}  # fmt: skip
_DEEPEST = 20  # references and alternatives one inside the other; a schema may refer to itself
_UNIONS = ("anyOf", "oneOf")


class Misfit(Exception):
    """A value does not fit its schema; the text says what it must be."""


class Schema:
    """One schema, with the document in which its references are looked up."""

    def __init__(self, schema: Any, root: Any = None, depth: int = 0) -> None:
        self._root = schema if root is None else root
        self._depth = depth
        self._schema = self._resolved(schema)

    @property
    def types(self) -> frozenset[str] | None:
        """The JSON types that it allows; None for all."""
        named = self._schema.get("type")
        if isinstance(named, str):
            named = [named]
        if isinstance(named, list):
            types = [_TYPES.get(name.lower()) if isinstance(name, str) else None for name in named]
            if None in types:
                return None
            return frozenset(each for each in types if each) | self._null
        if values := self._values:
            return frozenset(_type_of(value) for value in values) | self._null
        if alternatives := self.alternatives:
            kinds = [each.types for each in alternatives]
            return None if None in kinds else frozenset().union(*(kind for kind in kinds if kind)) | self._null
        if parts := self._parts("allOf"):
            return next((kind for part in parts if (kind := part.types) is not None), None)
        return frozenset({"object"}) if isinstance(self._schema.get("properties"), Mapping) else None

    @property
    def alternatives(self) -> list[Schema]:
        """The schemas of which a value has to fit one."""
        return [each for word in _UNIONS for each in self._parts(word)]

    @property
    def required(self) -> tuple[str, ...]:
        """The names that an object must have."""
        own = self._schema.get("required")
        names = [name for name in own if isinstance(name, str)] if isinstance(own, list) else []
        names += [name for part in self._parts("allOf") for name in part.required]
        return tuple(dict.fromkeys(names))

    @property
    def only_text(self) -> bool:
        """Whether it allows nothing but a string."""
        return self.types == frozenset({"string"})

    def declares(self, name: str) -> bool:
        """Tell whether an object's member of this name is described."""
        return self._member(name) is not None

    def member(self, name: str) -> Schema:
        """Return the schema of an object's member; of an unknown one, a schema that allows everything."""
        return self._member(name) or Schema(self._schema.get("additionalProperties"), self._root, self._depth + 1)

    def element(self) -> Schema:
        """Return the schema of an array's elements."""
        return Schema(self._schema.get("items"), self._root, self._depth + 1)

    def fit(self, value: Any) -> Any:
        """Return the value in a form that the schema allows. Raises Misfit."""
        types = self.types
        if types is None:
            return self._inside(value)
        if isinstance(value, Unreal):
            return str(value) if "string" in types else None
        kind = _type_of(value)
        if kind in types or (kind == "integer" and "number" in types):
            return self._inside(value)
        if kind == "number" and "integer" in types and value.is_integer():
            return int(value)
        if "string" in types and value is not None:
            return dumped(value)
        if isinstance(value, str):
            return self._inside(_read(value, types))
        raise Misfit(_wanted(types))

    @property
    def _null(self) -> frozenset[str]:
        return frozenset({"null"} if self._schema.get("nullable") is True else ())

    @property
    def _values(self) -> list[Any]:
        values = self._schema.get("enum")
        if isinstance(values, list):
            return values
        return [self._schema["const"]] if "const" in self._schema else []

    def _parts(self, word: str) -> list[Schema]:
        parts = self._schema.get(word)
        if not isinstance(parts, list) or self._depth > _DEEPEST:
            return []
        return [Schema(part, self._root, self._depth + 1) for part in parts]

    def _member(self, name: str) -> Schema | None:
        members = self._schema.get("properties")
        if isinstance(members, Mapping) and name in members:
            return Schema(members[name], self._root, self._depth + 1)
        inner = (part._member(name) for word in ("allOf", *_UNIONS) for part in self._parts(word))
        return next((each for each in inner if each is not None), None)

    def _inside(self, value: Any) -> Any:
        """Fit what a value holds."""
        if not isinstance(value, list | dict):
            return value
        misfit: Misfit | None = None
        for alternative in self.alternatives:
            if alternative.types is None or _type_of(value) in alternative.types:
                try:
                    return alternative._inside(value)
                except Misfit as error:
                    misfit = misfit or error
        if misfit is not None:
            raise misfit
        if isinstance(value, list):
            element = self.element()
            return [element.fit(each) for each in value]
        if missing := [name for name in self.required if name not in value]:
            raise Misfit(f"an object with {', '.join(missing)}")
        return {name: self.member(name).fit(each) for name, each in value.items()}

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        for _ in range(_DEEPEST):
            if not isinstance(schema, Mapping):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            schema = self._target(reference)
        return {}

    def _target(self, reference: str) -> Any:
        place = self._root
        for name in reference.removeprefix("#").split("/")[1:]:
            key = name.replace("~1", "/").replace("~0", "~")
            place = place.get(key) if isinstance(place, Mapping) else None
        return place if reference.startswith("#") else None


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return next((word for kind, word in kinds.items() if isinstance(value, kind)), "null")


def _read(text: str, types: frozenset[str]) -> Any:
    """Return the value that a string spells. Raises Misfit."""
    try:
        value = parse(text.strip())
    except Faulty:
        value = None if "null" in types and not text.strip() else text
    if isinstance(value, Unreal):
        return None
    if isinstance(value, float) and value.is_integer() and "number" not in types:
        value = int(value)
    kind = _type_of(value)
    if kind in types or (kind == "integer" and "number" in types):
        return value
    raise Misfit(_wanted(types))


def _wanted(types: frozenset[str]) -> str:
    return " or ".join(f"{'an' if kind[0] in 'aio' else 'a'} {kind}" for kind in sorted(types))
