"""What a JSON schema lets a value be, and a value made to fit it: models write "42" for 42, and the other way round.

Types count, and the values of `enum` and `const`; a client judges the rest itself. A schema that we do not understand
allows everything. Pure.
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
_SHOWN = 30  # allowed values that a correction names


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
        return self.types == frozenset({"string"}) and not self.is_choice

    @property
    def is_choice(self) -> bool:
        """Whether it names the strings that it allows."""
        return self._choices("string") is not None

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
        value = self._typed(value)
        choices = self._choices(_type_of(value))
        return value if choices is None else _chosen(value, choices)

    def _typed(self, value: Any) -> Any:
        """Return the value with a type that the schema allows. Raises Misfit."""
        types = self.types
        if isinstance(value, Unreal):
            if types is not None and "string" in types:
                return str(value)
            raise Misfit("a number that JSON can carry")
        if types is None:
            return self._inside(value)
        kind = _type_of(value)
        if _is_of(kind, types):
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

    def _choices(self, kind: str) -> list[Any] | None:
        """Return the values of which one of this type must be one, None if it may be any."""
        # Values of a type that is not allowed are a slip of the schema: some list numbers as text.
        if values := [value for value in self._values if _is_of(_type_of(value), self.types)]:
            return values
        fitting = [each for each in self.alternatives if _is_of(kind, each.types)]
        choices = [each._choices(kind) for each in fitting]
        if choices and None not in choices:
            return [value for each in choices for value in each or ()]
        parts = (part._choices(kind) for part in self._parts("allOf"))
        return next((each for each in parts if each is not None), None)

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
        described = [each for each in inner if each is not None]
        if len(described) < 2:
            return described[0] if described else None
        return Schema({"anyOf": [each._schema for each in described]}, self._root, self._depth + 1)

    def _inside(self, value: Any) -> Any:
        """Fit what a value holds."""
        if not isinstance(value, list | dict):
            return value
        alternatives = [each for each in self.alternatives if _is_of(_type_of(value), each.types)]
        if alternatives:
            value = _first_fit(alternatives, value)
        if isinstance(value, list):
            element = self.element()
            return [element.fit(each) for each in value]
        if missing := [name for name in self.required if name not in value]:
            raise Misfit(f"an object with {', '.join(missing)}")
        # What the alternatives describe was judged by the one that fits.
        member = self._own_member if alternatives else self.member
        return {name: member(name).fit(each) for name, each in value.items()}

    def _own_member(self, name: str) -> Schema:
        members = self._schema.get("properties")
        return Schema(members.get(name) if isinstance(members, Mapping) else None, self._root, self._depth + 1)

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


def _first_fit(alternatives: list[Schema], value: Any) -> Any:
    """Return the value as the first schema that it fits wants it. Raises Misfit."""
    misfit: Misfit | None = None
    for alternative in alternatives:
        try:
            return alternative._inside(value)
        except Misfit as error:
            misfit = misfit or error
    raise misfit or Misfit("what its schema says")


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return next((word for kind, word in kinds.items() if isinstance(value, kind)), "null")


def _is_of(kind: str, types: frozenset[str] | None) -> bool:
    return types is None or kind in types or (kind == "integer" and "number" in types)


def _read(text: str, types: frozenset[str]) -> Any:
    """Return the value that a string spells. Raises Misfit."""
    try:
        value = parse(text.strip())
    except Faulty:
        value = None if "null" in types and not text.strip() else text
    if isinstance(value, Unreal):
        raise Misfit("a number that JSON can carry")
    if isinstance(value, float) and value.is_integer() and "number" not in types:
        value = int(value)
    if _is_of(_type_of(value), types):
        return value
    raise Misfit(_wanted(types))


def _chosen(value: Any, choices: list[Any]) -> Any:
    """Return the value if it is a choice, or the only choice that is spelled almost like it. Raises Misfit."""
    if any(_is_same(value, choice) for choice in choices):
        return value
    if isinstance(value, str):
        meant = [choice for choice in choices if isinstance(choice, str) and _plain(choice) == _plain(value)]
        if len(meant) == 1:
            return meant[0]
    shown = ", ".join(dumped(choice)[:60] for choice in choices[:_SHOWN])
    raise Misfit(f"one of {shown}{', ...' if len(choices) > _SHOWN else ''}" if len(choices) > 1 else shown)


def _is_same(value: Any, choice: Any) -> bool:
    # Python takes True for 1.
    return bool(value == choice) and isinstance(value, bool) == isinstance(choice, bool)


def _plain(text: str) -> str:
    """Return a text without what models change in the spelling of a word: case, space around it, dashes."""
    return text.strip().casefold().replace("-", "_").replace(" ", "_")


def _wanted(types: frozenset[str]) -> str:
    return " or ".join(f"{'an' if kind[0] in 'aio' else 'a'} {kind}" for kind in sorted(types))
